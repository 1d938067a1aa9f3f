# Tables of a dump as a server takes them that has no keys of production's, none of its directories and none of its tablespaces.
/^\) (\/\*![0-9]+ TABLESPACE `[^`]*` \*\/ )?ENGINE=/ || /^ ?\(?PARTITION / || /^ ?\(?SUBPARTITION / {
  gsub(/ `?[Ee][Nn][Cc][Rr][Yy][Pp][Tt][Ee][Dd]`?=[^ ;]+/, "")
  gsub(/ `?[Ee][Nn][Cc][Rr][Yy][Pp][Tt][Ii][Oo][Nn]_[Kk][Ee][Yy]_[Ii][Dd]`?=[^ ;]+/, "")
  gsub(/ \/\*![0-9]+ ENCRYPTION='[^']*' \*\//, "")
  gsub(/ \/\*![0-9]+ TABLESPACE `[^`]*` \*\//, "")
  gsub(/ (DATA|INDEX) DIRECTORY ?= ?'[^']*'/, "")
}
{ print }
