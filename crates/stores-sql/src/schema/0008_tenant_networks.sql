-- What a tenant's policy says about where people may come from, once more by itself: it is read with every credential,
-- and the rest of the policy is not. JSON; null for a tenant that says nothing.

ALTER TABLE tenant_security ADD COLUMN networks TEXT;
