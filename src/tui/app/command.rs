//! Everything that a key or a `:` line can name.

use std::{str::FromStr, sync::LazyLock};

use crate::{
    action::{self, ActionLine, Verb},
    tui::fault::hint,
};

/// What a command is for; help shows the groups in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Act,
    Open,
    Move,
    Mark,
    Find,
    Graph,
    Session,
    Confirm,
    Edit,
}

impl Group {
    pub fn title(self) -> &'static str {
        match self {
            Self::Act => "Act",
            Self::Open => "Go and look",
            Self::Move => "Move",
            Self::Mark => "Mark",
            Self::Find => "Find and arrange",
            Self::Graph => "In a graph",
            Self::Session => "The console itself",
            Self::Confirm => "When asked to confirm",
            Self::Edit => "While typing",
        }
    }
}

/// Declares the commands: variant, name, group, and the sentence that is its help.
/// A variant with a word takes the rest of its line, which may be left out.
macro_rules! commands {
    ($($variant:ident $(($argument:literal))? = $name:literal, $group:ident, $about:literal;)*) => {
        /// What a key or a `:` line names.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Command {
            $(#[doc = $about] $variant $((commands!(@payload $argument)))?,)*
            /// An action of the grammar; what is left out is filled from the selection.
            Act(ActionLine),
        }

        impl Command {
            /// Every command but the actions.
            pub const ENTRIES: &'static [Entry] = &[$(Entry {
                name: $name,
                argument: commands!(@argument $($argument)?),
                group: Group::$group,
                about: $about,
            }),*];

            fn named(name: &str, rest: Option<String>) -> Option<Result<Self, String>> {
                match name {
                    $($name => Some(commands!(@make $variant, $name, rest $(, $argument)?)),)*
                    _ => None,
                }
            }

            /// Returns the command's name, or the verb of an action.
            pub fn name(&self) -> &'static str {
                match self {
                    $(commands!(@pattern $variant $(, $argument)?) => $name,)*
                    Self::Act(line) => line.action.verb(),
                }
            }
        }
    };
    (@payload $argument:literal) => { Option<String> };
    (@argument) => { None };
    (@argument $argument:literal) => { Some($argument) };
    (@make $variant:ident, $name:literal, $rest:ident) => {
        match $rest {
            None => Ok(Self::$variant),
            Some(rest) => Err(format!("`{}` takes no argument, and `{rest}` is one", $name)),
        }
    };
    (@make $variant:ident, $name:literal, $rest:ident, $argument:literal) => {
        Ok(Self::$variant($rest))
    };
    (@pattern $variant:ident) => { Self::$variant };
    (@pattern $variant:ident, $argument:literal) => { Self::$variant(_) };
}

/// A command as help and the palette show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: &'static str,
    /// The word for what may follow the name.
    pub argument: Option<&'static str>,
    pub group: Group,
    pub about: &'static str,
}

commands! {
    Open = "open", Open, "open what is under the cursor";
    Back = "back", Open, "close this, or go back to the screen before";
    GoFleet = "fleet", Open, "show every pool, what waits, and what was done";
    GoInstances = "instances", Open, "show the instances of every pool";
    GoPool("NAME") = "pool", Open, "show the pool under the cursor, or the one that is named";
    GoExecutors = "executors", Open, "show every CI agent, and what waits for one";
    GoStrays = "strays", Open, "show where EC2 and the CI controllers disagree";
    GoDoctor = "doctor", Open, "show what about the pools' configuration ends jobs, and what mends it";
    GoOperations("ID") = "operations", Open, "show the long operations and what each waits for, or the one that is named";
    GoActivities = "activities", Open, "show the scaling activities";
    GoMessages = "messages", Open, "show what was said and done in this session";
    GoSources = "sources", Open, "show where the data comes from, how old it is, and what fails";
    OperationPause("ID") = "operation.pause", Act, "pause the operation; what it borrowed stays as it is";
    OperationResume("ID") = "operation.resume", Act, "go on with the operation, here if nobody drives it";
    OperationSpeedUp("ID") = "operation.speed-up", Act, "let the operation take twice as many out of service at a time";
    OperationAdopt("ID") = "operation.adopt", Act, "take over the operation of another host, and go on with it here";
    OperationAbort("ID") = "operation.abort", Act, "give back what the operation has not terminated";
    FindingFix = "finding.fix", Act, "plan what mends the finding under the cursor";
    GoGraph("NAME") = "graph", Open, "show the past of a pool: sizes, work and queue on one time axis";
    GoCost = "cost", Open, "show what every pool costs, what of it is waste, and who says so";
    GoCostGraph("NAME") = "cost-graph", Open, "show what the money went to over time, of a pool or of all";
    GoUtilisation("NAME") = "utilisation", Open, "show which hours of the week a pool works in";
    GoBoots("NAME") = "time-to-ready", Open, "show how long instances take to their first job, by image and type";
    Explain("WHAT") = "explain", Open, "say why nothing is happening in the pool, or to the instance";
    ConsoleOutput = "console-output", Open, "fetch the console output of the instance";
    Help = "help", Open, "show every key and every command";

    RowNext = "row.next", Move, "to the next row";
    RowPrevious = "row.previous", Move, "to the previous row";
    HalfPageNext = "half-page.next", Move, "half a page down";
    HalfPagePrevious = "half-page.previous", Move, "half a page up";
    PageNext = "page.next", Move, "a page down";
    PagePrevious = "page.previous", Move, "a page up";
    RowFirst = "row.first", Move, "to the first row";
    RowLast = "row.last", Move, "to the last row";
    PanelNext = "panel.next", Move, "to the next panel";
    PanelPrevious = "panel.previous", Move, "to the previous panel";

    MarkToggle = "mark.toggle", Mark, "mark the instance, or take its mark away";
    MarkRange = "mark.range", Mark, "mark from the last marked instance to this one";
    MarkAll = "mark.all", Mark, "mark every instance that is shown";
    MarkInvert = "mark.invert", Mark, "mark what is shown and not marked, and unmark the rest of it";
    MarkNone = "mark.none", Mark, "take all marks away, hidden ones too";

    Filter("FILTER") = "filter", Find, "show only rows that match";
    FilterClear = "filter.clear", Find, "show all rows again";
    Sort("FIELD") = "sort", Find, "choose the order of the rows";
    SortReverse = "sort.reverse", Find, "turn the order round";
    Columns("FIELDS") = "columns", Find, "choose the columns";

    GraphLeft = "graph.left", Graph, "read the column on the left";
    GraphRight = "graph.right", Graph, "read the column on the right";
    GraphFarLeft = "graph.far-left", Graph, "ten columns left";
    GraphFarRight = "graph.far-right", Graph, "ten columns right";
    GraphEventPrevious = "graph.event-previous", Graph, "to the event before";
    GraphEventNext = "graph.event-next", Graph, "to the event after";
    GraphZoomIn = "graph.zoom-in", Graph, "show less time, in more detail";
    GraphZoomOut = "graph.zoom-out", Graph, "show more time";
    GraphZoom("SPAN") = "graph.zoom", Graph, "show this much time: 15m, 1h, 6h, 24h, 7d or 30d";
    GraphEarlier = "graph.earlier", Graph, "half a screen back in time";
    GraphLater = "graph.later", Graph, "half a screen forward in time";
    GraphNow = "graph.now", Graph, "follow the present again";
    GraphToggle("METRIC") = "graph.toggle", Graph, "show or hide a curve";
    GraphMarks("MARKS") = "graph.marks", Graph, "draw with braille, block or ascii; the next of them when none is named";
    GraphSplit("BY") = "graph.split", Graph, "split the money by use, market or pool; the next of them when none is named";

    Palette("LINE") = "palette", Session, "type a command or an action";
    Reload = "reload", Session, "read every source now";
    CopyId = "copy.id", Session, "copy the name or the id under the cursor";
    CopyRow = "copy.row", Session, "copy the row under the cursor";
    CopyCommand = "copy.command", Session, "copy the equivalent command line";
    Redraw = "redraw", Session, "paint the whole screen anew";
    Background = "background", Session, "stop the console and return to the shell";
    Quit = "quit", Session, "leave";

    ConfirmYes = "confirm.yes", Confirm, "do it";
    ConfirmEnter = "confirm.enter", Confirm, "do it, if it can end neither work nor capacity or if the name was typed";
    ConfirmNo = "confirm.no", Confirm, "do nothing";
    LeaveDetach = "leave.detach", Confirm, "leave; the operations go on without a terminal";
    LeaveStop = "leave.stop", Confirm, "leave; the operations stop safely and rest";
    ConfirmEdit = "confirm.edit", Confirm, "edit the command line first";

    InputAccept = "input.accept", Edit, "take the line as it is";
    InputCancel = "input.cancel", Edit, "leave the line";
    InputComplete = "input.complete", Edit, "complete the word, or take the next proposal";
    InputCompletePrevious = "input.complete-previous", Edit, "take the previous proposal";
    InputHistoryPrevious = "input.history-previous", Edit, "the line before in the history";
    InputHistoryNext = "input.history-next", Edit, "the line after in the history";
    InputLeft = "input.left", Edit, "one character left";
    InputRight = "input.right", Edit, "one character right, or take the proposal";
    InputWordLeft = "input.word-left", Edit, "one word left";
    InputWordRight = "input.word-right", Edit, "one word right";
    InputStart = "input.start", Edit, "to the start of the line";
    InputEnd = "input.end", Edit, "to the end of the line, or take the proposal";
    InputDeleteLeft = "input.delete-left", Edit, "delete the character on the left";
    InputDeleteRight = "input.delete-right", Edit, "delete the character under the cursor";
    InputDeleteWord = "input.delete-word", Edit, "delete the word on the left";
    InputDeleteToStart = "input.delete-to-start", Edit, "delete everything on the left";
    InputDeleteToEnd = "input.delete-to-end", Edit, "delete everything on the right";
    InputYank = "input.yank", Edit, "put back what was deleted";
}

/// Returns the verbs of the grammar; reading them off it is not free.
pub fn verbs() -> &'static [Verb] {
    static VERBS: LazyLock<Vec<Verb>> = LazyLock::new(action::verbs);
    &VERBS
}

/// Names that people bring along.
const ALIASES: [(&str, &str); 12] = [
    ("q", "quit"),
    ("quit!", "quit"),
    ("q!", "quit"),
    ("h", "help"),
    ("pools", "fleet"),
    ("i", "instances"),
    ("agents", "executors"),
    ("workers", "executors"),
    ("queue", "executors"),
    ("ops", "operations"),
    ("history", "messages"),
    ("scopes", "sources"),
];

impl Command {
    /// Returns whether this may change AWS or a controller.
    pub fn is_action(&self) -> bool {
        matches!(self, Self::Act(_))
    }

    /// Returns the verb whose line this opens, to be completed by hand: `palette tag`.
    fn begun_verb(&self) -> Option<&'static Verb> {
        let Self::Palette(Some(line)) = self else {
            return None;
        };
        let name = line.split_whitespace().next()?;
        verbs().iter().find(|it| it.name == name)
    }

    pub fn group(&self) -> Group {
        if self.begun_verb().is_some() {
            return Group::Act;
        }
        let name = self.name();
        let entry = Self::ENTRIES.iter().find(|it| it.name == name);
        entry.map_or(Group::Act, |it| it.group)
    }

    /// Returns the sentence that help shows.
    pub fn about(&self) -> String {
        if let Some(verb) = self.begun_verb() {
            return lower_first(&verb.about);
        }
        let name = self.name();
        if let Some(entry) = Self::ENTRIES.iter().find(|it| it.name == name) {
            return entry.about.to_owned();
        }
        let verb = verbs().iter().find(|it| it.name == name);
        verb.map_or_else(String::new, |it| lower_first(&it.about))
    }
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = Some(rest.trim().to_owned()).filter(|it| !it.is_empty());
        if name == "ops"
            && let Some((word, id)) = rest.as_deref().map(first_word)
        {
            return of_ops(word, id);
        }
        let alias = ALIASES.iter().find(|it| it.0 == name);
        if let Some(found) = Self::named(alias.map_or(name, |it| it.1), rest) {
            return found;
        }
        let verbs = verbs();
        if verbs.iter().any(|it| it.name == name) {
            return line.parse().map(Self::Act);
        }
        let names = Self::ENTRIES.iter().map(|it| it.name);
        let names = names.chain(verbs.iter().map(|it| it.name.as_str()));
        Err(format!(
            "no command is called `{name}`; {}",
            hint(name, names)
        ))
    }
}

fn first_word(line: &str) -> (&str, Option<String>) {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    (word, (!rest.is_empty()).then(|| rest.to_owned()))
}

/// Reads what is said to an operation in the words of the command line: `ops show ID`.
fn of_ops(word: &str, id: Option<String>) -> Result<Command, String> {
    const WORDS: [&str; 6] = ["show", "pause", "resume", "abort", "adopt", "speed-up"];
    match word {
        "show" => Ok(Command::GoOperations(id)),
        "pause" => Ok(Command::OperationPause(id)),
        "resume" => Ok(Command::OperationResume(id)),
        "abort" => Ok(Command::OperationAbort(id)),
        "adopt" => Ok(Command::OperationAdopt(id)),
        "speed-up" => Ok(Command::OperationSpeedUp(id)),
        _ => Err(format!(
            "`ops` does not know `{word}`; {}",
            hint(word, WORDS.into_iter())
        )),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |it| it.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_read_by_its_name_and_says_what_it_does() {
        for entry in Command::ENTRIES {
            let command: Command = entry.name.parse().unwrap();
            assert_eq!(command.name(), entry.name);
            assert_eq!(command.about(), entry.about);
            assert!(!entry.about.ends_with('.'), "{}", entry.name);
        }
    }

    #[test]
    fn no_command_hides_a_verb_of_the_grammar() {
        for verb in verbs() {
            assert!(
                Command::ENTRIES.iter().all(|it| it.name != verb.name),
                "{} is both",
                verb.name
            );
        }
    }

    #[test]
    fn a_line_that_names_nothing_gets_the_nearest_name() {
        let error = |line: &str| line.parse::<Command>().unwrap_err();
        assert!(error("row.nxt").contains("did you mean `row.next`?"));
        assert!(error("scael x 3").contains("did you mean `scale`?"));
        assert!(error("ops shwo op-x").contains("did you mean `show`?"));
        assert!(error("quit now").contains("takes no argument"));
    }

    #[test]
    fn what_the_command_line_says_to_an_operation_is_understood() {
        let command = |line: &str| line.parse::<Command>().unwrap();
        let id = || Some("op-x".to_owned());
        assert_eq!(command("ops"), Command::GoOperations(None));
        assert_eq!(command("ops show op-x"), Command::GoOperations(id()));
        assert_eq!(command("ops pause op-x"), Command::OperationPause(id()));
        assert_eq!(
            command("ops speed-up op-x"),
            Command::OperationSpeedUp(id())
        );
    }

    #[test]
    fn an_action_is_a_command_with_its_own_sentence() {
        let command: Command = "scale workhorse 12".parse().unwrap();
        assert!(command.is_action());
        assert_eq!(command.group(), Group::Act);
        assert_eq!(
            command.about(),
            "set how many instances a pool wants, and its bounds"
        );
    }
}
