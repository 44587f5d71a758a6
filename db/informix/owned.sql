-- What this service owns in an Informix database (12.10 and later). Run by `users-service schema apply`, or by a DBA after
-- reading; `users-service schema print` adds the triggers, with the site's own names in them. Nothing here alters a table
-- of anybody else. Times: 'YYYY-MM-DD HH:MM:SS.fff', UTC, the database's own.

-- One row per entity and source table; an entity's version is the sum of its rows. Never deleted.
CREATE TABLE entity_versions (
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(20) NOT NULL,
  source VARCHAR(24) NOT NULL,
  version BIGINT NOT NULL,
  changed_at VARCHAR(23) NOT NULL,
  PRIMARY KEY (entity, entity_id, source)
) LOCK MODE ROW;
CREATE INDEX entity_versions_changed ON entity_versions (entity, changed_at);

-- The outbox: one row a change, deleted once it has been handed on.
CREATE TABLE entity_changes (
  change_id BIGSERIAL NOT NULL PRIMARY KEY,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(20) NOT NULL,
  changed_at VARCHAR(23) NOT NULL
) LOCK MODE ROW;
CREATE INDEX entity_changes_changed ON entity_changes (changed_at);

-- Which worker has a change in hand; anybody may take it from free_at on.
CREATE TABLE change_claims (
  change_id BIGINT NOT NULL PRIMARY KEY,
  claim VARCHAR(32) NOT NULL,
  free_at VARCHAR(23) NOT NULL,
  attempts SMALLINT NOT NULL,
  takeovers SMALLINT NOT NULL
) LOCK MODE ROW;

-- Changes that could not be handled; people decide (`users-service parked`).
CREATE TABLE parked_changes (
  change_id BIGINT NOT NULL PRIMARY KEY,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(20) NOT NULL,
  changed_at VARCHAR(23) NOT NULL,
  error VARCHAR(255) NOT NULL,
  attempts SMALLINT NOT NULL,
  parked_at VARCHAR(23) NOT NULL
) LOCK MODE ROW;

-- Who did what, when and from where: the domain event as JSON.
CREATE TABLE user_audit (
  audit_id BIGSERIAL NOT NULL PRIMARY KEY,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(32) NOT NULL,
  event_type VARCHAR(32) NOT NULL,
  event LVARCHAR(30000) NOT NULL,
  actor VARCHAR(128) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  address VARCHAR(64) NOT NULL,
  recorded_at VARCHAR(23) NOT NULL
) LOCK MODE ROW;
CREATE INDEX user_audit_entity ON user_audit (entity, entity_id, audit_id);

-- What makes user_audit provable: each entry's place in the chain of its entity, and its hash over the entry and the one
-- before (docs/audit.md). before_json: what the event does not say, how it was before. salt NULL: its data was erased.
CREATE TABLE audit_chain (
  audit_id BIGINT NOT NULL PRIMARY KEY,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(32) NOT NULL,
  seq BIGINT NOT NULL,
  client VARCHAR(128),
  before_json LVARCHAR(30000),
  salt VARCHAR(32),
  content_hash VARCHAR(64) NOT NULL,
  chain_hash VARCHAR(64) NOT NULL
) LOCK MODE ROW;
CREATE UNIQUE INDEX audit_chain_seq ON audit_chain (entity, entity_id, seq);

-- Where each chain ends, and after which entry it begins since older ones were removed: at first after 0 and 64 zeros.
CREATE TABLE audit_heads (
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(32) NOT NULL,
  last_seq BIGINT NOT NULL,
  last_hash VARCHAR(64) NOT NULL,
  kept_seq BIGINT NOT NULL,
  kept_hash VARCHAR(64) NOT NULL,
  PRIMARY KEY (entity, entity_id)
) LOCK MODE ROW;

-- Idempotency keys with the answer that was given, and transactions' own marks (tx:…), deleted after hours.
CREATE TABLE command_keys (
  command_key VARCHAR(128) NOT NULL PRIMARY KEY,
  request_hash VARCHAR(64) NOT NULL,
  answer LVARCHAR(2000) NOT NULL,
  created_at VARCHAR(23) NOT NULL
) LOCK MODE ROW;

-- One row. Part of every Redis key and every ETag. Change it after a restore that may have taken versions back.
CREATE TABLE service_epoch (
  epoch VARCHAR(16) NOT NULL
) LOCK MODE ROW;

-- Which Redis the read models were last begun on.
CREATE TABLE read_model_incarnations (
  schema_tag VARCHAR(16) NOT NULL,
  partition_no INTEGER NOT NULL,
  incarnation VARCHAR(64) NOT NULL,
  PRIMARY KEY (schema_tag, partition_no)
) LOCK MODE ROW;

-- Who alone may publish (`users-service work relay`), until free_at. token rises each time that another takes over. stream
-- names the topic that it has written to since it was made; published counts what that topic has been given.
CREATE TABLE relay_leases (
  lease VARCHAR(32) NOT NULL PRIMARY KEY,
  holder VARCHAR(64) NOT NULL,
  token BIGINT NOT NULL,
  free_at VARCHAR(23) NOT NULL,
  stream VARCHAR(64) NOT NULL,
  published BIGINT NOT NULL
) LOCK MODE ROW;

-- Entries of user_audit that are still to be published as events.
CREATE TABLE pending_events (
  audit_id BIGINT NOT NULL PRIMARY KEY
) LOCK MODE ROW;

-- What operators have set at run time, for all replicas: JSON, by name. No row: it is not set.
CREATE TABLE service_switches (
  switch_name VARCHAR(64) NOT NULL PRIMARY KEY,
  setting LVARCHAR(2000) NOT NULL,
  changed_at VARCHAR(23) NOT NULL
) LOCK MODE ROW;

-- The tables that count into a user's version.
CREATE TABLE usr_sources (
  source VARCHAR(24) NOT NULL PRIMARY KEY
) LOCK MODE ROW;
INSERT INTO usr_sources (source) VALUES ('users');
INSERT INTO usr_sources (source) VALUES ('user_branches');
INSERT INTO usr_sources (source) VALUES ('user_roles');
INSERT INTO usr_sources (source) VALUES ('user_limits');
INSERT INTO usr_sources (source) VALUES ('user_preferences');

-- Now, UTC, to the millisecond; while the second turns it may be off by one, which nothing here minds: leases and replays
-- have margins of seconds and minutes. Days and seconds apart: an interval of seconds has nine digits at most.
CREATE FUNCTION usr_utc_now() RETURNING VARCHAR(23);
  DEFINE seconds INTEGER;
  DEFINE whole VARCHAR(19);
  LET seconds = DBINFO('utc_current');
  LET whole = DATETIME(1970-01-01 00:00:00) YEAR TO SECOND + TRUNC(seconds / 86400) UNITS DAY
    + MOD(seconds, 86400) UNITS SECOND;
  RETURN whole || SUBSTR(CURRENT YEAR TO FRACTION(3)::VARCHAR(23), 20, 4);
END FUNCTION;

-- LOWER for an index: an index may use a function of one's own only (error -9844).
CREATE FUNCTION usr_lower(name VARCHAR(255)) RETURNING VARCHAR(255) WITH (NOT VARIANT);
  RETURN LOWER(name);
END FUNCTION;

-- Counts one change of one source table, and writes it down; the triggers' one procedure.
CREATE PROCEDURE usr_changed(p_entity VARCHAR(8), p_id VARCHAR(20), p_source VARCHAR(24))
  DEFINE now VARCHAR(23);
  LET now = usr_utc_now();
  UPDATE entity_versions SET version = version + 1, changed_at = now
    WHERE entity = p_entity AND entity_id = p_id AND source = p_source;
  IF DBINFO('sqlca.sqlerrd2') = 0 THEN
    INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
      VALUES (p_entity, p_id, p_source, 1, now);
  END IF
  INSERT INTO entity_changes (entity, entity_id, changed_at) VALUES (p_entity, p_id, now);
END PROCEDURE;

-- A new user gets a row for every source at once, so that later writers of different tables never meet.
CREATE PROCEDURE usr_user_added(p_id VARCHAR(20))
  DEFINE now VARCHAR(23);
  DEFINE p_source VARCHAR(24);
  LET now = usr_utc_now();
  FOREACH SELECT source INTO p_source FROM usr_sources
    UPDATE entity_versions SET version = version + 1, changed_at = now
      WHERE entity = 'user' AND entity_id = p_id AND source = p_source;
    IF DBINFO('sqlca.sqlerrd2') = 0 THEN
      INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
        VALUES ('user', p_id, p_source, 1, now);
    END IF
  END FOREACH
  INSERT INTO entity_changes (entity, entity_id, changed_at) VALUES ('user', p_id, now);
END PROCEDURE;
