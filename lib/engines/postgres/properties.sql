-- The statements that make a database like :name again, under the name in the psql variable "target" of whoever runs them: a line each, of a
-- word (create, property or last, see postgres.sh), a tab, and the statement. pg_restore --create would do it too, but only under the old name.
-- A database's collation version is the one of the system where it is restored: its indexes are built there.
select E'create\tcreate database :"target" template template0 encoding ' || quote_literal(pg_encoding_to_char(encoding))
  || case to_jsonb(d) ->> 'datlocprovider'
      when 'i' then ' locale_provider icu icu_locale ' || quote_literal(coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'))
        || coalesce(' icu_rules ' || quote_literal(to_jsonb(d) ->> 'daticurules'), '')
      when 'b' then ' locale_provider builtin builtin_locale ' || quote_literal(to_jsonb(d) ->> 'datlocale') else '' end
  || ' lc_collate ' || quote_literal(datcollate) || ' lc_ctype ' || quote_literal(datctype) || ';'
from pg_database d where datname = :'name';

select E'property\talter database :"target" owner to ' || quote_ident(pg_get_userbyid(datdba)) || ';' from pg_database where datname = :'name';

-- Of the database, and of single roles in it.
select E'property\talter ' || case setrole when 0 then 'database :"target"' else 'role ' || quote_ident(pg_get_userbyid(setrole)) || ' in database :"target"' end
  || ' set ' || (select string_agg(quote_ident(part), '.') from unnest(string_to_array(parameter, '.')) part) || ' = '
  -- These are lists of names, and are stored with the quotes that each needs.
  || case when parameter in ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'local_preload_libraries', 'unix_socket_directories', 'DateStyle')
      then case when value = '' then '''''' else regexp_replace(value, '(^|, )""(?=,|$)', '\1''''', 'g') end
      else 'E''' || replace(replace(replace(replace(value, '\', '\\'), '''', ''''''), E'\n', '\n'), E'\r', '\r') || '''' end || ';'
from pg_database d join pg_db_role_setting s on s.setdatabase = d.oid, unnest(s.setconfig) setting,
  lateral (select split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)) pair(parameter, value)
where datname = :'name';

select E'property\trevoke all on database :"target" from public, ' || quote_ident(pg_get_userbyid(datdba)) || ';'
from pg_database where datname = :'name' and datacl is not null;

select E'property\tgrant ' || privilege_type || ' on database :"target" to ' || case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end
  || case when is_grantable and grantee <> datdba then ' with grant option' else '' end || ';'
from pg_database, aclexplode(datacl) where datname = :'name';

select E'property\tcomment on database :"target" is E'''
  || replace(replace(replace(replace(description, '\', '\\'), '''', ''''''), E'\n', '\n'), E'\r', '\r') || ''';'
from pg_database d join pg_shdescription c on c.objoid = d.oid and c.classoid = 'pg_database'::regclass where datname = :'name';

select E'property\tsecurity label for ' || quote_ident(provider) || ' on database :"target" is E'''
  || replace(replace(replace(replace(label, '\', '\\'), '''', ''''''), E'\n', '\n'), E'\r', '\r') || ''';'
from pg_database d join pg_shseclabel l on l.objoid = d.oid and l.classoid = 'pg_database'::regclass where datname = :'name';

select E'last\talter database :"target" connection limit ' || datconnlimit || ';' from pg_database where datname = :'name' and datconnlimit >= 0;
select E'last\talter database :"target" is_template true;' from pg_database where datname = :'name' and datistemplate;
