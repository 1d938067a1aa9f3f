/** The programs in MySQL's image that a repository can use. Oracle Linux's slim one has no util-linux, and so no flock. @internal */
export const MYSQL_PROGRAMS = ['zstd', 'gzip'];

/**
 * The same for MariaDB's image, which keeps gpg and removes the agent (MariaDB/mariadb-docker, Dockerfile.template).
 *
 * @internal
 */
export const MARIADB_PROGRAMS = ['zstd', 'gzip', 'flock', 'gpg'];
