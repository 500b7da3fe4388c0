-- Names are compared byte by byte ("C"): an index then never depends on the host's locale data.

-- Facts that are fixed once: the ledger's number, real or simulated, origin of its tokens.
CREATE TABLE facts (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Keys by id. The key itself is never in here; `proof` is a known text sealed with it.
CREATE TABLE keys (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text COLLATE "C" NOT NULL UNIQUE,
    proof bytea NOT NULL
);

CREATE TABLE products (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- Tokens are drawn by product and template; an empty template is none.
CREATE TABLE scopes (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product  bigint NOT NULL REFERENCES products (id),
    template text COLLATE "C" NOT NULL,
    UNIQUE (product, template)
);

-- Who adds an event holds its station's row, so that a chain has one writer at a time.
CREATE TABLE stations (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- Every opening for writing. `writes` counts its transactions; `place` is where its file lock is.
CREATE TABLE runs (
    id      text COLLATE "C" PRIMARY KEY,
    station text NOT NULL,
    place   text,
    writes  bigint NOT NULL DEFAULT 0,
    ended   boolean NOT NULL DEFAULT false
);

-- A run is alive until then, and as long as it holds this row. Apart from `runs`, so that the two
-- connections of a run never wait for one another.
CREATE TABLE leases (
    run  text COLLATE "C" PRIMARY KEY REFERENCES runs (id),
    till timestamptz NOT NULL
);

-- A pending import's tokens, all from `first` on, are stored and not seen.
CREATE TABLE imports (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope    bigint NOT NULL REFERENCES scopes (id),
    first    bigint NOT NULL,
    unit     bigint NOT NULL,
    run      text NOT NULL,
    station  text NOT NULL,
    pending  boolean NOT NULL,
    pictures bigint NOT NULL DEFAULT 0
);
-- One at a time.
CREATE UNIQUE INDEX imports_pending ON imports (pending) WHERE pending;

-- state: 0 free, 1 bound, 2 void, 3 gone; up to 9 is room for later. `folded` is the serial that a
-- list fixes the token to. Scope, import and key are no foreign keys: they would cost a million
-- rows more than the rows themselves. Who adds rows holds the import's row; the audit looks.
CREATE TABLE tokens (
    id          bigint PRIMARY KEY,
    scope       bigint NOT NULL,
    import      bigint NOT NULL,
    fingerprint bytea NOT NULL CHECK (length(fingerprint) = 32),
    state       smallint NOT NULL CHECK (state BETWEEN 0 AND 9),
    claimed     boolean NOT NULL,
    fixed       text,
    folded      text COLLATE "C",
    qr_print    bytea CHECK (length(qr_print) = 32),
    key         bigint NOT NULL,
    token       bytea NOT NULL,
    qr          bytea,
    columns     bytea,
    CHECK ((fixed IS NULL) = (folded IS NULL)),
    CHECK ((qr IS NULL) = (qr_print IS NULL))
);
-- Sealed bytes do not compress, and are too short to be stored elsewhere.
ALTER TABLE tokens ALTER token SET STORAGE PLAIN;
-- In the order of `id + 0`, which the primary key does not have: else the planner may choose that one,
-- and walk over every token that was ever bound.
CREATE INDEX tokens_draw ON tokens (scope, (id + 0)) WHERE state = 0 AND folded IS NULL;
CREATE INDEX tokens_listed ON tokens (scope, (id + 0)) WHERE state = 0 AND folded IS NOT NULL;
CREATE UNIQUE INDEX tokens_fixed ON tokens (scope, folded) WHERE folded IS NOT NULL AND state < 2;
CREATE INDEX tokens_folded ON tokens (scope, folded) WHERE folded IS NOT NULL;
-- A drawn token leaves a dead entry at the front of `tokens_draw`: it is cleared away early.
ALTER TABLE tokens SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);

-- Fingerprints and QR digests, unique for ever.
CREATE TABLE prints (
    print bytea PRIMARY KEY CHECK (length(print) = 32),
    token bigint NOT NULL
);

CREATE TABLE pictures (
    token   bigint PRIMARY KEY,
    key     bigint NOT NULL,
    picture bytea NOT NULL
);
ALTER TABLE pictures ALTER picture SET STORAGE EXTERNAL;

-- state: 0 reserved, 1 prepared, 2 delivered, 3 labelled, 4 void, 5 superseded; up to 9 is room.
-- `past` is 0 for the row that counts, and the row's own id for a superseded one.
CREATE SEQUENCE unit_numbers;
CREATE TABLE units (
    id      bigint PRIMARY KEY,
    scope   bigint NOT NULL REFERENCES scopes (id),
    product bigint NOT NULL REFERENCES products (id),
    serial  text NOT NULL,
    folded  text COLLATE "C" NOT NULL,
    past    bigint NOT NULL CHECK ((state = 5) = (past <> 0) AND past IN (0, id)),
    token   bigint NOT NULL REFERENCES tokens (id),
    state   smallint NOT NULL CHECK (state BETWEEN 0 AND 9),
    uid     text COLLATE "C",
    image   bytea NOT NULL CHECK (length(image) = 32),
    recipe  bytea NOT NULL CHECK (length(recipe) = 32),
    digest  bytea CHECK (length(digest) = 32),
    target  text NOT NULL,
    durable boolean NOT NULL,
    station text COLLATE "C" NOT NULL,
    run     text NOT NULL,
    epoch   bigint NOT NULL CHECK (epoch > 0),
    pending boolean NOT NULL,
    touched boolean NOT NULL,
    label   text,
    at      text NOT NULL,
    event   bytea NOT NULL CHECK (length(event) = 32)
);
CREATE UNIQUE INDEX units_serial ON units (product, folded, past);
CREATE UNIQUE INDEX units_token ON units (token, past);
CREATE UNIQUE INDEX units_board ON units (product, uid) WHERE uid IS NOT NULL AND state < 4;
CREATE INDEX units_open ON units (scope, station, id) WHERE state = 0;
ALTER TABLE units SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);

CREATE TABLE counters (
    product bigint NOT NULL REFERENCES products (id),
    format  text COLLATE "C" NOT NULL,
    next    bigint NOT NULL,
    PRIMARY KEY (product, format)
);

-- `link` is the place in the station's chain.
CREATE TABLE events (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    station bigint NOT NULL REFERENCES stations (id),
    link    bigint NOT NULL,
    at      text NOT NULL,
    kind    text NOT NULL,
    unit    bigint,
    body    text NOT NULL,
    hash    bytea NOT NULL CHECK (length(hash) = 32)
);
CREATE UNIQUE INDEX events_chain ON events (station, link);
CREATE INDEX events_unit ON events (unit, seq) WHERE unit IS NOT NULL;

-- What happened stays; what was handed out stays.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$;
-- Only what an unfinished import brought may go.
CREATE FUNCTION refuse_token() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF EXISTS (SELECT 1 FROM imports WHERE pending AND first <= OLD.id) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'tokens are never removed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE FUNCTION refuse_print() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
    IF EXISTS (SELECT 1 FROM imports WHERE pending AND first <= OLD.token) THEN RETURN OLD; END IF;
    RAISE EXCEPTION 'prints are never removed' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER events_same BEFORE UPDATE ON events
FOR EACH ROW EXECUTE FUNCTION refuse('events are never changed');
CREATE TRIGGER events_stay BEFORE DELETE ON events
FOR EACH ROW EXECUTE FUNCTION refuse('events are never removed');
CREATE TRIGGER events_kept BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION refuse('events are never removed');
CREATE TRIGGER units_stay BEFORE DELETE ON units
FOR EACH ROW EXECUTE FUNCTION refuse('units are never removed');
CREATE TRIGGER units_kept BEFORE TRUNCATE ON units
FOR EACH STATEMENT EXECUTE FUNCTION refuse('units are never removed');
CREATE TRIGGER units_same BEFORE UPDATE ON units FOR EACH ROW
WHEN (NEW.id <> OLD.id OR NEW.token <> OLD.token OR NEW.product <> OLD.product
      OR NEW.serial <> OLD.serial OR NEW.folded <> OLD.folded)
EXECUTE FUNCTION refuse('a unit keeps its serial and token');
CREATE TRIGGER tokens_stay BEFORE DELETE ON tokens
FOR EACH ROW EXECUTE FUNCTION refuse_token();
CREATE TRIGGER tokens_kept BEFORE TRUNCATE ON tokens
FOR EACH STATEMENT EXECUTE FUNCTION refuse('tokens are never removed');
CREATE TRIGGER tokens_same BEFORE UPDATE ON tokens FOR EACH ROW
WHEN (NEW.id <> OLD.id OR NEW.scope <> OLD.scope OR NEW.import <> OLD.import
      OR NEW.fingerprint <> OLD.fingerprint OR NEW.claimed <> OLD.claimed)
EXECUTE FUNCTION refuse('a token keeps its fingerprint');
CREATE TRIGGER prints_same BEFORE UPDATE ON prints
FOR EACH ROW EXECUTE FUNCTION refuse('prints are never changed');
CREATE TRIGGER prints_stay BEFORE DELETE ON prints
FOR EACH ROW EXECUTE FUNCTION refuse_print();
CREATE TRIGGER prints_kept BEFORE TRUNCATE ON prints
FOR EACH STATEMENT EXECUTE FUNCTION refuse('prints are never removed');
CREATE TRIGGER facts_same BEFORE UPDATE ON facts
FOR EACH ROW EXECUTE FUNCTION refuse('facts are never changed');
CREATE TRIGGER facts_stay BEFORE DELETE ON facts
FOR EACH ROW EXECUTE FUNCTION refuse('facts are never removed');
CREATE TRIGGER facts_kept BEFORE TRUNCATE ON facts
FOR EACH STATEMENT EXECUTE FUNCTION refuse('facts are never removed');
