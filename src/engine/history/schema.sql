-- Names may move in our code; what is on disk is known by these numbers.
create table metric (
    id integer primary key,
    name text not null unique
);

-- A pool of a scope, or with an empty pool all of them together.
create table series (
    id integer primary key,
    scope text not null,
    account text not null,
    pool text not null,
    unique (scope, account, pool)
);

-- The newest samples, a row for all pools of a scope.
create table tail (
    scope integer not null,
    at integer not null,
    good_for integer not null,
    cells blob not null,
    primary key (scope, at)
) without rowid;

-- Older samples: an hour as it was seen, or a day in steps. `source` 0 is our own.
create table block (
    id integer primary key,
    series integer not null,
    tier integer not null,
    source integer not null,
    start integer not null,
    told_at integer not null,
    cells blob not null,
    unique (series, tier, source, start)
);
create index block_by_age on block (tier, start);

create table marker (
    id integer primary key,
    at integer not null,
    series integer not null,
    kind text not null,
    what text not null,
    name text not null unique
);
create index marker_by_age on marker (at);

create table boot (
    instance text not null,
    series integer not null,
    seen_at integer not null,
    image text,
    instance_type text not null,
    zone text not null,
    requested_at integer,
    running_at integer,
    registered_at integer,
    first_job_at integer,
    primary key (instance, series)
) without rowid;
create index boot_by_age on boot (series, seen_at);

-- Who writes a scope's samples, until when, and how far it has come.
create table lease (
    scope integer primary key,
    holder text not null,
    until integer not null,
    last_at integer not null
);
