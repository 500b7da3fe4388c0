-- A row with a `mark` can be written by whoever has the key only; the audit looks, and a claim at what it takes.

-- Facts that are fixed once: the ledger's number, real or simulated, origin of its tokens. They are
-- numbered without a gap.
CREATE TABLE facts (
    name   TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    value  TEXT NOT NULL,
    mark   BLOB NOT NULL CHECK (length(mark) = 32)
) STRICT, WITHOUT ROWID;

-- Keys by id. The key itself is never in here; `seed` is the ledger's own secret sealed with it.
CREATE TABLE keys (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    seed BLOB NOT NULL
) STRICT;

CREATE TABLE products (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Tokens are drawn by product and template; an empty template is none.
CREATE TABLE scopes (
    id       INTEGER PRIMARY KEY,
    product  INTEGER NOT NULL REFERENCES products (id),
    template TEXT NOT NULL,
    mark     BLOB NOT NULL CHECK (length(mark) = 32),
    UNIQUE (product, template)
) STRICT;

CREATE TABLE stations (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- A pending import's tokens, all from `first` on, are stored and not seen.
CREATE TABLE imports (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    scope    INTEGER NOT NULL REFERENCES scopes (id),
    first    INTEGER NOT NULL,
    unit     INTEGER NOT NULL,
    run      TEXT NOT NULL,
    station  TEXT NOT NULL,
    pending  INTEGER NOT NULL CHECK (pending IN (0, 1)),
    pictures INTEGER NOT NULL DEFAULT 0,
    mark     BLOB CHECK (length(mark) = 32),
    CHECK (pending OR mark IS NOT NULL)
) STRICT;
-- One at a time.
CREATE UNIQUE INDEX imports_pending ON imports (pending) WHERE pending;

-- state: 0 free, 1 bound, 2 void, 3 gone; up to 9 is room for later. `folded` is the serial that a list fixes the token to.
CREATE TABLE tokens (
    id          INTEGER PRIMARY KEY,
    scope       INTEGER NOT NULL REFERENCES scopes (id),
    import      INTEGER NOT NULL REFERENCES imports (id),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 9),
    loose       INTEGER NOT NULL AS (folded IS NULL),
    claimed     INTEGER NOT NULL CHECK (claimed IN (0, 1)),
    fixed       TEXT,
    folded      TEXT,
    qr_print    BLOB CHECK (length(qr_print) = 32),
    key         INTEGER NOT NULL REFERENCES keys (id),
    token       BLOB NOT NULL,
    qr          BLOB,
    columns     BLOB,
    mark        BLOB NOT NULL CHECK (length(mark) = 32),
    CHECK ((fixed IS NULL) = (folded IS NULL)),
    CHECK ((qr IS NULL) = (qr_print IS NULL))
) STRICT;
-- Drawing is the first entry of (scope, 0, 1), in order of import; counting reads nothing else.
CREATE INDEX tokens_draw ON tokens (scope, state, loose);
CREATE UNIQUE INDEX tokens_fixed ON tokens (scope, folded) WHERE folded IS NOT NULL AND state < 2;
CREATE INDEX tokens_folded ON tokens (scope, folded) WHERE folded IS NOT NULL;

-- Fingerprints and QR digests, unique for ever, apart from the rows that they belong to: an import
-- adds rows in the list's order and these in their own, so that neither touches a page twice.
CREATE TABLE prints (
    print BLOB PRIMARY KEY CHECK (length(print) = 32),
    token INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pictures (
    token   INTEGER PRIMARY KEY REFERENCES tokens (id),
    key     INTEGER NOT NULL REFERENCES keys (id),
    picture BLOB NOT NULL
) STRICT;

-- state: 0 reserved, 1 prepared, 2 delivered, 3 labelled, 4 void, 5 superseded; up to 9 is room.
-- `past` is 0 for the row that counts, and the row's own id for a superseded one.
CREATE TABLE units (
    id      INTEGER PRIMARY KEY,
    scope   INTEGER NOT NULL REFERENCES scopes (id),
    product INTEGER NOT NULL REFERENCES products (id),
    serial  TEXT NOT NULL,
    folded  TEXT NOT NULL,
    past    INTEGER NOT NULL CHECK ((state = 5) = (past <> 0) AND past IN (0, id)),
    token   INTEGER NOT NULL REFERENCES tokens (id),
    state   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 9),
    uid     TEXT,
    image   BLOB NOT NULL CHECK (length(image) = 32),
    recipe  BLOB NOT NULL CHECK (length(recipe) = 32),
    digest  BLOB CHECK (length(digest) = 32),
    target  TEXT NOT NULL,
    durable INTEGER NOT NULL CHECK (durable IN (0, 1)),
    station TEXT NOT NULL,
    run     TEXT NOT NULL,
    epoch   INTEGER NOT NULL CHECK (epoch > 0),
    pending INTEGER NOT NULL CHECK (pending IN (0, 1)),
    touched INTEGER NOT NULL CHECK (touched IN (0, 1)),
    label   TEXT,
    at      TEXT NOT NULL,
    event   BLOB NOT NULL CHECK (length(event) = 32)
) STRICT;
CREATE UNIQUE INDEX units_serial ON units (product, folded, past);
CREATE UNIQUE INDEX units_token ON units (token, past);
CREATE UNIQUE INDEX units_board ON units (product, uid) WHERE uid IS NOT NULL AND state < 4;
CREATE INDEX units_state ON units (scope, state);

CREATE TABLE counters (
    product INTEGER NOT NULL REFERENCES products (id),
    format  TEXT NOT NULL,
    next    INTEGER NOT NULL,
    mark    BLOB NOT NULL CHECK (length(mark) = 32),
    PRIMARY KEY (product, format)
) STRICT, WITHOUT ROWID;

-- What went away with a station. state: 0 begun, 1 handed, 2 merged, 3 void. `first` and `ending` are
-- the numbers of `format` that it was given, the latter not among them; `heads` are those of its
-- chains, as it came back.
CREATE TABLE parts (
    number    INTEGER PRIMARY KEY,
    id        TEXT NOT NULL,
    station   TEXT NOT NULL,
    recipient TEXT,
    tokens    INTEGER NOT NULL,
    run       TEXT NOT NULL,
    format    TEXT,
    first     INTEGER,
    ending    INTEGER,
    listed    INTEGER NOT NULL CHECK (listed IN (0, 1)),
    state     INTEGER NOT NULL CHECK (state BETWEEN 0 AND 9),
    at        TEXT NOT NULL,
    since     TEXT NOT NULL,
    open      INTEGER NOT NULL CHECK (open IN (0, 1)),
    heads     TEXT,
    mark      BLOB NOT NULL CHECK (length(mark) = 32),
    CHECK ((format IS NULL) = (first IS NULL) AND (format IS NULL) = (ending IS NULL))
) STRICT;

-- Serials that were named for a part, and those of one that came back unclosed that were cleared since.
CREATE TABLE part_serials (
    part    INTEGER NOT NULL REFERENCES parts (number),
    folded  TEXT NOT NULL,
    serial  TEXT NOT NULL,
    cleared TEXT,
    mark    BLOB NOT NULL CHECK (length(mark) = 32),
    PRIMARY KEY (part, folded)
) STRICT, WITHOUT ROWID;

-- How often the ledger was restored or made anew; the last counts.
CREATE TABLE generations (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    mark   BLOB NOT NULL CHECK (length(mark) = 32)
) STRICT;

-- `link` is the place in the station's chain.
CREATE TABLE events (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    station INTEGER NOT NULL REFERENCES stations (id),
    link    INTEGER NOT NULL,
    at      TEXT NOT NULL,
    kind    TEXT NOT NULL,
    unit    INTEGER,
    body    TEXT NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32),
    mark    BLOB NOT NULL CHECK (length(mark) = 32)
) STRICT;
CREATE UNIQUE INDEX events_chain ON events (station, link);
CREATE INDEX events_unit ON events (unit) WHERE unit IS NOT NULL;

-- What happened stays; what was handed out stays.
CREATE TRIGGER events_same BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never removed'); END;
CREATE TRIGGER units_stay BEFORE DELETE ON units
BEGIN SELECT RAISE(ABORT, 'units are never removed'); END;
CREATE TRIGGER units_same BEFORE UPDATE OF id, token, product, serial, folded ON units
WHEN NEW.id <> OLD.id OR NEW.token <> OLD.token OR NEW.product <> OLD.product
     OR NEW.serial <> OLD.serial OR NEW.folded <> OLD.folded
BEGIN SELECT RAISE(ABORT, 'a unit keeps its serial and token'); END;
CREATE TRIGGER tokens_stay BEFORE DELETE ON tokens
WHEN NOT EXISTS (SELECT 1 FROM imports WHERE id = OLD.import AND pending)
BEGIN SELECT RAISE(ABORT, 'tokens are never removed'); END;
CREATE TRIGGER tokens_same BEFORE UPDATE OF id, scope, import, fingerprint, claimed ON tokens
BEGIN SELECT RAISE(ABORT, 'a token keeps its fingerprint'); END;
CREATE TRIGGER prints_same BEFORE UPDATE ON prints
BEGIN SELECT RAISE(ABORT, 'prints are never changed'); END;
CREATE TRIGGER prints_stay BEFORE DELETE ON prints
WHEN NOT EXISTS (SELECT 1 FROM imports WHERE pending AND first <= OLD.token)
BEGIN SELECT RAISE(ABORT, 'prints are never removed'); END;
CREATE TRIGGER facts_same BEFORE UPDATE ON facts
BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END;
CREATE TRIGGER facts_stay BEFORE DELETE ON facts
BEGIN SELECT RAISE(ABORT, 'facts are never removed'); END;
CREATE TRIGGER parts_stay BEFORE DELETE ON parts
BEGIN SELECT RAISE(ABORT, 'parts are never removed'); END;
CREATE TRIGGER part_serials_stay BEFORE DELETE ON part_serials
BEGIN SELECT RAISE(ABORT, 'serials of parts are never removed'); END;
CREATE TRIGGER generations_same BEFORE UPDATE ON generations
BEGIN SELECT RAISE(ABORT, 'generations are never changed'); END;
CREATE TRIGGER generations_stay BEFORE DELETE ON generations
BEGIN SELECT RAISE(ABORT, 'generations are never removed'); END;
