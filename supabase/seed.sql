-- Runs after the migrations of `supabase start` and `supabase db reset`, never on a hosted project: the demo tenants that `npm start` has too.
-- No key is made here: whoever makes one is shown its secret once, and the database keeps a hash.
set role audit_job;
select audit_log.create_tenant('123e4567-e89b-12d3-a456-426614174000', 'Demo');
select audit_log.create_tenant('123e4567-e89b-12d3-a456-426614174001', 'Second demo');
reset role;
