-- What an operator wants to know about the server when it is gone. Secrets are not settings, and connection strings may hold one.
select jsonb_pretty(jsonb_build_object(
  'version', version(),
  'inRecovery', pg_is_in_recovery(),
  'databases', (select jsonb_agg(jsonb_build_object('name', datname, 'owner', pg_get_userbyid(datdba), 'encoding', pg_encoding_to_char(encoding),
      'collate', datcollate, 'bytes', case when has_database_privilege(datname, 'connect') then pg_database_size(oid) end) order by datname)
    from pg_database where datallowconn),
  'roles', (select jsonb_agg(jsonb_build_object('name', rolname, 'superuser', rolsuper, 'login', rolcanlogin, 'replication', rolreplication) order by rolname)
    from pg_roles where rolname !~ '^pg_'),
  'settings', (select jsonb_object_agg(name, setting order by name) from pg_settings
    where source not in ('default', 'override', 'client', 'session') and name not in ('primary_conninfo', 'ssl_passphrase_command'))
));
