-- The reference tables, which TRS and its older programs own, in Informix's dialect: for a test instance. A site has its
-- own, under names that DATABASE_MAPPING says. Deletes never cascade: a cascade fires no trigger.

CREATE TABLE users (
  user_id BIGSERIAL NOT NULL PRIMARY KEY,
  username VARCHAR(64) NOT NULL,
  employee_number VARCHAR(32),
  given_name VARCHAR(255) NOT NULL,
  family_name VARCHAR(255) NOT NULL,
  email VARCHAR(255),
  phone VARCHAR(32),
  job_title VARCHAR(255),
  status VARCHAR(10) DEFAULT 'active' NOT NULL,
  home_branch_id VARCHAR(16),
  created_at VARCHAR(23) NOT NULL,
  updated_at VARCHAR(23) NOT NULL
) LOCK MODE ROW;
CREATE INDEX users_status ON users (status, user_id);

CREATE TABLE user_branches (
  user_id BIGINT NOT NULL REFERENCES users (user_id),
  branch_id VARCHAR(16) NOT NULL,
  PRIMARY KEY (user_id, branch_id)
) LOCK MODE ROW;
CREATE INDEX user_branches_branch ON user_branches (branch_id, user_id);

CREATE TABLE roles (
  role VARCHAR(32) NOT NULL PRIMARY KEY,
  title VARCHAR(255) NOT NULL,
  privileged SMALLINT DEFAULT 0 NOT NULL
) LOCK MODE ROW;

CREATE TABLE role_permissions (
  role VARCHAR(32) NOT NULL REFERENCES roles (role),
  permission VARCHAR(64) NOT NULL,
  effect VARCHAR(8) NOT NULL,
  PRIMARY KEY (role, permission)
) LOCK MODE ROW;

-- branch_id NULL: held everywhere. A unique index takes one NULL for the same as another.
CREATE TABLE user_roles (
  user_id BIGINT NOT NULL REFERENCES users (user_id),
  role VARCHAR(32) NOT NULL REFERENCES roles (role),
  branch_id VARCHAR(16)
) LOCK MODE ROW;
CREATE UNIQUE INDEX user_roles_grant ON user_roles (user_id, role, branch_id);
CREATE INDEX user_roles_role ON user_roles (role, user_id);

CREATE TABLE user_limits (
  user_id BIGINT NOT NULL REFERENCES users (user_id),
  limit_name VARCHAR(32) NOT NULL,
  limit_value BIGINT NOT NULL,
  PRIMARY KEY (user_id, limit_name)
) LOCK MODE ROW;

CREATE TABLE user_preferences (
  user_id BIGINT NOT NULL REFERENCES users (user_id),
  preference_key VARCHAR(64) NOT NULL,
  preference_value LVARCHAR(2000) NOT NULL,
  PRIMARY KEY (user_id, preference_key)
) LOCK MODE ROW;
