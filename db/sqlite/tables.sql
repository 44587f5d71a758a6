-- The reference schema in SQLite's dialect. Times: 'YYYY-MM-DD HH:MM:SS.fff', UTC. Flags: 0 or 1.
-- Deletes never cascade: a cascade would fire no trigger of its own on the databases that this stands in for.

-- Tables that TRS and its older programs own.

CREATE TABLE users (
  user_id INTEGER PRIMARY KEY AUTOINCREMENT,
  username VARCHAR(64) NOT NULL,
  employee_number VARCHAR(32),
  given_name VARCHAR(255) NOT NULL,
  family_name VARCHAR(255) NOT NULL,
  email VARCHAR(255),
  phone VARCHAR(32),
  job_title VARCHAR(255),
  status VARCHAR(10) NOT NULL DEFAULT 'active',
  home_branch_id VARCHAR(16),
  created_at VARCHAR(23) NOT NULL,
  updated_at VARCHAR(23) NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (LOWER(username));
CREATE INDEX users_status ON users (status, user_id);

CREATE TABLE user_branches (
  user_id INTEGER NOT NULL REFERENCES users (user_id),
  branch_id VARCHAR(16) NOT NULL,
  PRIMARY KEY (user_id, branch_id)
) WITHOUT ROWID;
CREATE INDEX user_branches_branch ON user_branches (branch_id, user_id);

CREATE TABLE roles (
  role VARCHAR(32) NOT NULL PRIMARY KEY,
  title VARCHAR(255) NOT NULL,
  privileged SMALLINT NOT NULL DEFAULT 0
);

CREATE TABLE role_permissions (
  role VARCHAR(32) NOT NULL REFERENCES roles (role),
  permission VARCHAR(64) NOT NULL,
  effect VARCHAR(8) NOT NULL,
  PRIMARY KEY (role, permission)
) WITHOUT ROWID;

-- branch_id NULL: held everywhere.
CREATE TABLE user_roles (
  user_id INTEGER NOT NULL REFERENCES users (user_id),
  role VARCHAR(32) NOT NULL REFERENCES roles (role),
  branch_id VARCHAR(16)
);
CREATE UNIQUE INDEX user_roles_grant ON user_roles (user_id, role, COALESCE(branch_id, ''));
CREATE INDEX user_roles_role ON user_roles (role, user_id);

CREATE TABLE user_limits (
  user_id INTEGER NOT NULL REFERENCES users (user_id),
  limit_name VARCHAR(32) NOT NULL,
  limit_value BIGINT NOT NULL,
  PRIMARY KEY (user_id, limit_name)
) WITHOUT ROWID;

CREATE TABLE user_preferences (
  user_id INTEGER NOT NULL REFERENCES users (user_id),
  preference_key VARCHAR(64) NOT NULL,
  preference_value VARCHAR(2000) NOT NULL,
  PRIMARY KEY (user_id, preference_key)
) WITHOUT ROWID;

-- Tables that this service owns.

-- One row per entity and source table; an entity's version is the sum of its rows. Never deleted.
CREATE TABLE entity_versions (
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(20) NOT NULL,
  source VARCHAR(24) NOT NULL,
  version BIGINT NOT NULL,
  changed_at VARCHAR(23) NOT NULL,
  PRIMARY KEY (entity, entity_id, source)
) WITHOUT ROWID;
CREATE INDEX entity_versions_changed ON entity_versions (entity, changed_at);

-- The outbox: one row a change, deleted once it has been handed on.
CREATE TABLE entity_changes (
  change_id INTEGER PRIMARY KEY AUTOINCREMENT,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(20) NOT NULL,
  changed_at VARCHAR(23) NOT NULL
);
CREATE INDEX entity_changes_changed ON entity_changes (changed_at);

-- Which worker has a change in hand ('-': none). Anybody may take it from free_at on: the end of a lease, or of a
-- back-off. attempts failed by the change's own fault; takeovers were needed because a claim was never given back.
-- Here from the first claim until the change is gone.
CREATE TABLE change_claims (
  change_id BIGINT NOT NULL PRIMARY KEY,
  claim VARCHAR(32) NOT NULL,
  free_at VARCHAR(23) NOT NULL,
  attempts SMALLINT NOT NULL,
  takeovers SMALLINT NOT NULL
) WITHOUT ROWID;

-- Changes that could not be handled, moved here from the outbox; people decide (`users-service parked`).
CREATE TABLE parked_changes (
  change_id BIGINT NOT NULL PRIMARY KEY,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(20) NOT NULL,
  changed_at VARCHAR(23) NOT NULL,
  error VARCHAR(255) NOT NULL,
  attempts SMALLINT NOT NULL,
  parked_at VARCHAR(23) NOT NULL
) WITHOUT ROWID;

-- Who did what, when and from where: the domain event as JSON, written in the command's own transaction.
CREATE TABLE user_audit (
  audit_id INTEGER PRIMARY KEY AUTOINCREMENT,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(32) NOT NULL,
  event_type VARCHAR(32) NOT NULL,
  event VARCHAR(30000) NOT NULL,
  actor VARCHAR(128) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  address VARCHAR(64) NOT NULL,
  recorded_at VARCHAR(23) NOT NULL
);
CREATE INDEX user_audit_entity ON user_audit (entity, entity_id, audit_id);

-- What makes user_audit provable: each entry's place in the chain of its entity, and its hash over the entry and the one
-- before (docs/audit.md). before_json: what the event does not say, how it was before. salt NULL: its data was erased.
CREATE TABLE audit_chain (
  audit_id INTEGER PRIMARY KEY,
  entity VARCHAR(8) NOT NULL,
  entity_id VARCHAR(32) NOT NULL,
  seq BIGINT NOT NULL,
  client VARCHAR(128),
  before_json VARCHAR(30000),
  salt VARCHAR(32),
  content_hash VARCHAR(64) NOT NULL,
  chain_hash VARCHAR(64) NOT NULL
);
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
) WITHOUT ROWID;

-- Idempotency keys of commands, with the answer that was given.
CREATE TABLE command_keys (
  command_key VARCHAR(128) NOT NULL PRIMARY KEY,
  request_hash VARCHAR(64) NOT NULL,
  answer VARCHAR(2000) NOT NULL,
  created_at VARCHAR(23) NOT NULL
);

-- One row. Part of every Redis key and every ETag: a database with another history never meets copies of this one.
CREATE TABLE service_epoch (
  epoch VARCHAR(16) NOT NULL
);

-- Which Redis the read models were last begun on, by schema and partition: what another one says is not believed.
CREATE TABLE read_model_incarnations (
  schema_tag VARCHAR(16) NOT NULL,
  partition_no INTEGER NOT NULL,
  incarnation VARCHAR(64) NOT NULL,
  PRIMARY KEY (schema_tag, partition_no)
) WITHOUT ROWID;

-- Who alone may publish (`users-service work relay`), until free_at. token rises each time that another takes over. stream
-- names the topic that it has written to since it was made; published counts what that topic has been given.
CREATE TABLE relay_leases (
  lease VARCHAR(32) NOT NULL PRIMARY KEY,
  holder VARCHAR(64) NOT NULL,
  token BIGINT NOT NULL,
  free_at VARCHAR(23) NOT NULL,
  stream VARCHAR(64) NOT NULL,
  published BIGINT NOT NULL
) WITHOUT ROWID;

-- Entries of user_audit that are still to be published as events.
CREATE TABLE pending_events (
  audit_id BIGINT NOT NULL PRIMARY KEY
) WITHOUT ROWID;

-- What operators have set at run time, for all replicas: JSON, by name. No row: it is not set.
CREATE TABLE service_switches (
  switch_name VARCHAR(64) NOT NULL PRIMARY KEY,
  setting VARCHAR(2000) NOT NULL,
  changed_at VARCHAR(23) NOT NULL
) WITHOUT ROWID;
