-- Erasing a person keeps the audit log and takes from it what tells of them: an event of an archived account may lose where
-- it came from, and one about it what belongs to it. Nothing else of an event ever changes, and none is removed.

DROP TRIGGER auth_events_are_not_changed; -- ON auth_events

CREATE TRIGGER auth_events_are_only_emptied BEFORE UPDATE ON auth_events
WHEN NEW.id IS DISTINCT FROM OLD.id
    OR NEW.at IS DISTINCT FROM OLD.at
    OR NEW.tenant_id IS DISTINCT FROM OLD.tenant_id
    OR NEW.subject_id IS DISTINCT FROM OLD.subject_id
    OR NEW.actor_id IS DISTINCT FROM OLD.actor_id
    OR NEW.kind IS DISTINCT FROM OLD.kind
    OR NEW.status IS DISTINCT FROM OLD.status
    OR NEW.reason IS DISTINCT FROM OLD.reason
    OR (NEW.ip IS NOT NULL AND NEW.ip IS DISTINCT FROM OLD.ip)
    OR (NEW.user_agent IS NOT NULL AND NEW.user_agent IS DISTINCT FROM OLD.user_agent)
    OR (NEW.request_id IS NOT NULL AND NEW.request_id IS DISTINCT FROM OLD.request_id)
    OR (NEW.detail <> 'null' AND NEW.detail <> OLD.detail)
    OR NOT EXISTS (SELECT 1 FROM accounts a WHERE a.state = 'archived' AND (
        a.user_id = OLD.subject_id OR (a.user_id = OLD.actor_id AND NEW.detail = OLD.detail)))
BEGIN
    SELECT RAISE(ABORT, 'the audit log is only ever added to');
END;

CREATE INDEX auth_events_by_actor ON auth_events (tenant_id, actor_id) WHERE actor_id IS NOT NULL;

-- What background work looks for.
CREATE INDEX accounts_closed ON accounts (tenant_id, state_since, user_id) WHERE state = 'terminated';
CREATE INDEX accounts_pending ON accounts (tenant_id, state_since, user_id) WHERE state = 'pending';
