-- The statements that make a database like :name again, under the name in the psql variable "target" of whoever runs them.
-- pg_restore --create would do it too, but only under the old name.
select 'create database :"target" template template0 encoding ' || quote_literal(pg_encoding_to_char(encoding))
  || case when to_jsonb(d) ->> 'datlocprovider' = 'i' then ' locale_provider icu icu_locale ' || quote_literal(coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'))
      when to_jsonb(d) ->> 'datlocprovider' = 'b' then ' locale_provider builtin builtin_locale ' || quote_literal(to_jsonb(d) ->> 'datlocale') else '' end
  || ' lc_collate ' || quote_literal(datcollate) || ' lc_ctype ' || quote_literal(datctype)
  || case when datconnlimit >= 0 then ' connection limit ' || datconnlimit else '' end || ';'
from pg_database d where datname = :'name';

select 'alter database :"target" owner to ' || quote_ident(pg_get_userbyid(datdba)) || ';' from pg_database where datname = :'name';

select 'alter database :"target" set ' || quote_ident(split_part(setting, '=', 1)) || ' = '
  -- These are lists of names, and are stored with the quotes that each needs.
  || case when split_part(setting, '=', 1) in ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries', 'unix_socket_directories', 'DateStyle')
      then substr(setting, strpos(setting, '=') + 1) else quote_literal(substr(setting, strpos(setting, '=') + 1)) end || ';'
from pg_database d join pg_db_role_setting s on s.setdatabase = d.oid and s.setrole = 0, unnest(s.setconfig) setting
where datname = :'name';

select 'revoke all on database :"target" from public;' from pg_database where datname = :'name' and datacl is not null;

select 'grant ' || privilege_type || ' on database :"target" to ' || case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
  || case when is_grantable then ' with grant option' else '' end || ';'
from pg_database, aclexplode(datacl) where datname = :'name' and grantee <> datdba;

select 'comment on database :"target" is ' || quote_literal(replace(replace(description, E'\r', ' '), E'\n', ' ')) || ';'
from pg_database d join pg_shdescription c on c.objoid = d.oid and c.classoid = 'pg_database'::regclass where datname = :'name';
