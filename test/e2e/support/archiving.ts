import type { Cluster, Deployed } from '../../rehearsal';
import type { PostgresServer } from './postgres-server';
import { until } from './rehearse';

/** A moment of a server that certainly lies between two commits. */
export async function momentOf(server: PostgresServer): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, 300));
  const at = server.query('postgres', `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`);
  await new Promise(resolve => setTimeout(resolve, 300));
  return at;
}

/** Runs a log archive while `body` runs; when it is told to stop, it stores what it has received. */
export async function archivingOf<T>(
  server: PostgresServer,
  deploy: () => ReturnType<Cluster['deploy']>,
  body: () => Promise<T>,
): Promise<T> {
  const archive: Deployed = await deploy();
  await until(
    'the log is received',
    () =>
      server.query(
        'postgres',
        "select count(*) from pg_stat_replication where application_name like '%receivewal%' or application_name like 'backup %'",
      ) !== '0',
  );
  let done: T;
  try {
    done = await body();
    await everythingIsReceived(server);
  } catch (problem) {
    await archive.pod.delete();
    const { containers } = await archive.ended;
    throw new Error(`${problem}\nThe archive has said:\n${containers.map(({ log }) => log).join('\n')}`, { cause: problem });
  }
  await archive.pod.delete();
  await archive.ended;
  return done;
}

/** What was committed is received before the archive is told to stop. One that has just begun has not said yet what it has. */
async function everythingIsReceived(server: PostgresServer): Promise<void> {
  const position = server.query('postgres', 'select pg_current_wal_flush_lsn()');
  const received = `select count(*) > 0 and bool_and(coalesce(flush_lsn >= '${position}', false)) from pg_stat_replication`;
  await until('everything is received', () => server.query('postgres', received) === 't');
}
