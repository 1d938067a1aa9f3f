# Reads the part `triggers` of a dump, and takes the database out of the heads of triggers: MariaDB keeps them as somebody has written them,
# as in `create trigger shop.paid before insert on shop.orders for each row ...`. In a database of another name, such a statement would make
# the trigger in the old one, or nowhere. A trigger is always in the database of its table.
# LC_ALL=C, so that bytes are bytes.

function without_database(text) { return match(text, "^" name "[ \t\n]*[.][ \t\n]*") ? substr(text, RLENGTH + 1) : text }

function without_databases(text,    done) {
  if (!match(toupper(text), "/[*]!50003 +TRIGGER[ \t\n]+(IF[ \t\n]+NOT[ \t\n]+EXISTS[ \t\n]+)?")) return text
  done = substr(text, 1, RSTART + RLENGTH - 1)
  text = without_database(substr(text, RSTART + RLENGTH))
  match(text, "^" name)
  done = done substr(text, 1, RLENGTH)
  text = substr(text, RLENGTH + 1)
  if (!match(toupper(text), "[ \t\n]ON[ \t\n]+")) return done text
  return done substr(text, 1, RSTART + RLENGTH - 1) without_database(substr(text, RSTART + RLENGTH))
}

BEGIN { name = "(`([^`]|``)*`|[^ \t\n.`]+)" }

$0 == "DELIMITER ;;" { begins = 1 }

begins && /^\/\*!50003 CREATE\*\// { begins = 0; heading = 1; head = "" }

heading {
  head = head (head == "" ? "" : "\n") $0
  if (toupper(head) !~ /[ \t\n]FOR[ \t\n]+EACH[ \t\n]+ROW/ && !/;;$/) next
  heading = 0
  print without_databases(head)
  next
}

{ print }
