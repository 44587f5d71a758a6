-- Versions and changes, kept in the writer's own transaction, whoever the writer is. Made after the tables were filled
-- (entity_versions among them). An update fires only when a column that a read model shows has really changed, and for
-- the old and the new id.

-- A new user gets a row for every source at once, so that later writers of different tables never meet.

CREATE TRIGGER users_inserted AFTER INSERT ON users FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'users', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_branches', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_limits', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_preferences', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER users_updated AFTER UPDATE ON users FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id OR NEW.username IS NOT OLD.username OR NEW.employee_number IS NOT
    OLD.employee_number OR NEW.given_name IS NOT OLD.given_name OR NEW.family_name IS NOT OLD.family_name OR
    NEW.email IS NOT OLD.email OR NEW.phone IS NOT OLD.phone OR NEW.job_title IS NOT OLD.job_title OR NEW.status
    IS NOT OLD.status OR NEW.home_branch_id IS NOT OLD.home_branch_id OR NEW.created_at IS NOT OLD.created_at OR
    NEW.updated_at IS NOT OLD.updated_at
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'users', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER users_moved AFTER UPDATE ON users FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'users', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER users_deleted AFTER DELETE ON users FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'users', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_branches_inserted AFTER INSERT ON user_branches FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_branches', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_branches_updated AFTER UPDATE ON user_branches FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id OR NEW.branch_id IS NOT OLD.branch_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_branches', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_branches_moved AFTER UPDATE ON user_branches FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_branches', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_branches_deleted AFTER DELETE ON user_branches FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_branches', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_roles_inserted AFTER INSERT ON user_roles FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_roles_updated AFTER UPDATE ON user_roles FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id OR NEW.role IS NOT OLD.role OR NEW.branch_id IS NOT OLD.branch_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_roles_moved AFTER UPDATE ON user_roles FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_roles_deleted AFTER DELETE ON user_roles FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_limits_inserted AFTER INSERT ON user_limits FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_limits', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_limits_updated AFTER UPDATE ON user_limits FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id OR NEW.limit_name IS NOT OLD.limit_name OR NEW.limit_value IS NOT
    OLD.limit_value
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_limits', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_limits_moved AFTER UPDATE ON user_limits FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_limits', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_limits_deleted AFTER DELETE ON user_limits FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_limits', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_preferences_inserted AFTER INSERT ON user_preferences FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_preferences', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_preferences_updated AFTER UPDATE ON user_preferences FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id OR NEW.preference_key IS NOT OLD.preference_key OR NEW.preference_value IS
    NOT OLD.preference_value
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', NEW.user_id, 'user_preferences', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', NEW.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_preferences_moved AFTER UPDATE ON user_preferences FOR EACH ROW
  WHEN NEW.user_id IS NOT OLD.user_id
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_preferences', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER user_preferences_deleted AFTER DELETE ON user_preferences FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('user', OLD.user_id, 'user_preferences', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('user', OLD.user_id, strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

-- The role catalogue is one entity, id '*'.

CREATE TRIGGER roles_inserted AFTER INSERT ON roles FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('role', '*', 'roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('role', '*', strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER roles_updated AFTER UPDATE ON roles FOR EACH ROW
  WHEN NEW.role IS NOT OLD.role OR NEW.title IS NOT OLD.title OR NEW.privileged IS NOT OLD.privileged
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('role', '*', 'roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('role', '*', strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER roles_deleted AFTER DELETE ON roles FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('role', '*', 'roles', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('role', '*', strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER role_permissions_inserted AFTER INSERT ON role_permissions FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('role', '*', 'role_permissions', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('role', '*', strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER role_permissions_updated AFTER UPDATE ON role_permissions FOR EACH ROW
  WHEN NEW.role IS NOT OLD.role OR NEW.permission IS NOT OLD.permission OR NEW.effect IS NOT OLD.effect
BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('role', '*', 'role_permissions', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('role', '*', strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;

CREATE TRIGGER role_permissions_deleted AFTER DELETE ON role_permissions FOR EACH ROW BEGIN
  INSERT INTO entity_versions (entity, entity_id, source, version, changed_at)
    VALUES ('role', '*', 'role_permissions', 1, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT DO UPDATE SET version = version + 1, changed_at = excluded.changed_at;
  INSERT INTO entity_changes (entity, entity_id, changed_at)
    VALUES ('role', '*', strftime('%Y-%m-%d %H:%M:%f', 'now'));
END;
