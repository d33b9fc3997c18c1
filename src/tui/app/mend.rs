//! From a finding of the doctor to the action that mends it.

use super::{App, RowId, Severity, Target};
use crate::action::ActionLine;

impl App {
    /// Plans the fix of the finding under the cursor, and asks as for any action.
    pub(super) fn mend(&mut self) {
        let row = self.screen().list().and_then(|it| it.cursor().cloned());
        let Some(RowId::Finding(kind, pool, nth)) = row else {
            self.say(Severity::Note, "no finding is under the cursor");
            return;
        };
        let finding = self.findings.finding(kind, pool.as_ref(), nth);
        let fix = finding.and_then(|it| it.fix.clone());
        match fix.map(|it| it.parse::<ActionLine>()) {
            Some(Ok(line)) => {
                let observation = self.observation.clone();
                let target = Target::of(self.screen(), &observation.fleet);
                self.act(line, target);
            }
            Some(Err(why)) => self.say(Severity::Warning, why),
            None => {
                let why = format!(
                    "no command of ours mends {}; its evidence says what does",
                    kind.as_str()
                );
                self.say(Severity::Note, why);
            }
        }
    }
}
