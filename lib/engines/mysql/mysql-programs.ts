/** In MySQL's image, what a repository can use: Oracle Linux's slim one has no util-linux, and with it no flock. @internal */
export const MYSQL_PROGRAMS = ['zstd', 'gzip'];

/**
 * In MariaDB's, which keeps gpg and takes the agent away again (MariaDB/mariadb-docker, Dockerfile.template).
 *
 * @internal
 */
export const MARIADB_PROGRAMS = ['zstd', 'gzip', 'flock', 'gpg'];
