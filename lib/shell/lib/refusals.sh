# shellcheck shell=sh
# For whoever asks a server: whether what it has said is a refusal of these credentials, of this way of connecting, or of what the
# account may do. No wait mends any of them, and every further try may bring the account nearer to its lock. Servers that are starting,
# that are full or that elect a primary are none.

psql_refused() { # FILE
  grep -qE 'authentication failed|no pg_hba\.conf entry|no password supplied|role "[^"]*" does not exist|no such user|is not permitted to log in|database "[^"]*" does not exist|permission denied for database|(do|execute) CHECKPOINT|certificate verify failed|root certificate file|server certificate for|server does not support SSL|private key file' "$1"
}

# MySQL's manual, "Server Error Message Reference", and MariaDB's: access denied (1044, 1045, 1698), a privilege that the account lacks
# (1227), a host that may not connect or is blocked (1129, 1130), passwords that have to be changed (1862), accounts that are locked
# (3118, 4151), TLS (2026, 3159), ways to log in that the client has not or may not use (1251, 2059, 2061).
mysql_refused() { # FILE
  grep -qE 'ERROR (1044|1045|1129|1130|1227|1251|1698|1862|2026|2059|2061|3118|3159|4151)( |:)' "$1"
}

mongodb_refused() { # FILE
  grep -qE 'Authentication failed|requires authentication|not authorized|certificate (verify|has expired)|self.signed certificate|unable to (verify|get)|altnames' "$1"
}

redis_refused() { # FILE
  grep -qE 'NOAUTH|WRONGPASS|NOPERM|invalid password|certificate verify failed|certificate required' "$1"
}
