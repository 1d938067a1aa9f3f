import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size } from 'cdk8s';
import { expect, test } from 'vitest';
import { Engine, MariadbVersion, MysqlVersion } from '../../../lib';
import { describeFaults, type EngineUnderFault, type FaultSuite, type FaultyServer, type Place } from '../support/engine-faults';
import { flipBit } from '../support/faults';
import { imageNamed } from '../support/images';
import { MysqlServer } from '../support/mysql-server';
import { request } from '../support/rehearse';

// The faults that every engine must survive, on MariaDB and on MySQL.

const EMPTY = /^database "app" holds no table: an empty backup is rarely intended/;

function start(image: string) {
  return async ({ images }: Place): Promise<FaultyServer> => {
    const options = { options: { 'log-bin': 'binlog', 'server-id': '1' } };
    const server = await MysqlServer.start(imageNamed(images, image), options);
    const empty = await MysqlServer.start(imageNamed(images, image), options);
    servers.set(server.address, server);
    const { mariadb } = server;
    empty.query('mysql', 'create database app');
    server.query('mysql', 'create database app');
    server.query(
      'app',
      `create table small (n int primary key); insert into small values (1);
       create table noise (id int primary key, v char(128));
       ${mariadb ? '' : 'set cte_max_recursion_depth = 1000000;'}
       insert into noise ${mariadb ? '' : 'with recursive s as (select 1 as seq union all select seq + 1 from s where seq < 60000)'}
         select seq, concat(sha2(concat(seq, rand()), 256), sha2(concat(rand(), seq), 256)) from ${mariadb ? 'seq_1_to_60000' : 's'};
       create trigger small_grows after insert on small for each row insert into noise values (new.n + 1000000, 'by a trigger');
       create view least as select min(n) as n from small;
       create event tick on schedule every 1 day do delete from small where n > 1000`,
    );
    return {
      address: server.address,
      emptyAddress: empty.address,
      credentials: { username: 'root', password: server.password },
      wrongCredentials: { username: 'root', password: 'wrong' },
      kill: () => server.kill(),
      up: () => server.up(),
      stop: async () => {
        await server.stop();
        await empty.stop();
      },
      checksum: () => JSON.stringify(server.checksums('app')),
      isDumping: () => server.query('information_schema', "select count(*) from processlist where state like 'Waiting for table%'") !== '0',
      change: () => void server.query('app', 'insert into small values (2)'),
      // A dump waits for the table; its snapshot is open by then.
      hold: async () => {
        const holder = server.background('app', 'lock tables small write; select sleep(60)');
        const asked = () =>
          server.query(
            'information_schema',
            "select count(*) from processlist where info like '%sleep(60)%' and info not like '%processlist%'",
          );
        for (let tries = 0; asked() !== '1' && tries < 100; tries += 1) await new Promise(resolve => setTimeout(resolve, 20));
        return async () => {
          await holder.stop();
          await server.endSessions('%sleep(60)%');
        };
      },
    };
  };
}

function subject(
  name: string,
  different: Pick<EngineUnderFault, 'engine' | 'dumper' | 'restorer' | 'says' | 'more' | 'leaveOut'>,
  image: string,
): EngineUnderFault {
  return {
    name,
    start: start(image),
    dumping: '--ignore-table=app.least',
    restoring: '--comments',
    payload: 'app.tables.sql',
    tightScratch: Size.mebibytes(40),
    ...different,
  };
}

/** What goes wrong when all is restored and checked, and only has to take the old one's place. */
function swapFaults(suite: FaultSuite): void {
  async function fails(fault: string, says: RegExp, plant: () => () => void | Promise<void>): Promise<void> {
    const before = await suite.server.checksum();
    request(suite.cluster, 'faults', 'app', { replace: 'yes', recoveryPoint: suite.good });
    const mend = plant();
    const faulty = await suite.run('app-restore');
    await mend();
    suite.failed(fault, faulty, says);
    expect(await suite.server.checksum()).toBe(before);
    expect(
      mariadb().query(
        'information_schema',
        "select count(*) from schemata where schema_name like 'restore\\_%' or schema_name like '%\\_before\\_%'",
      ),
    ).toBe(left);
  }
  let left = '';
  const mariadb = () => servers.get(suite.server.address) as MysqlServer;

  test('a transaction of an application keeps the tables from changing places, when the triggers are dropped already', async () => {
    for (const name of mariadb()
      .query(
        'information_schema',
        "select schema_name from schemata where schema_name like 'restore\\_%' or schema_name like '%\\_before\\_%'",
      )
      .split('\n')
      .filter(Boolean))
      mariadb().query('mysql', `drop database \`${name}\``);
    left = '0';
    await fails(
      'a table is in use when the tables should change places',
      /^the tables of "app" could not be exchanged, and "app" is unchanged: ERROR 1205 .*Lock wait timeout/,
      () => {
        const holder = mariadb().background('app', 'start transaction; select count(*) from noise; select sleep(60)');
        return async () => {
          await holder.stop();
          await mariadb().endSessions('%sleep(60)%');
        };
      },
    );
  });

  test('the last part of the recovery point is damaged, and found to be when the tables have changed places already', async () => {
    const file = join(suite.cluster.claim('faults', 'repository'), 'app', suite.good, 'app.events.sql.zst');
    await fails(
      'a part is damaged that is only read when the tables have changed places',
      /^not every object of "app" could be re-created, and "app" is unchanged: recovery point \S+ is damaged: app\.events\.sql\.zst does not match/,
      () => {
        copyFileSync(file, `${file}.copy`);
        flipBit(file);
        // Written over, not replaced: the file keeps its owner.
        return () => {
          execFileSync('cp', [`${file}.copy`, file]);
          rmSync(`${file}.copy`);
        };
      },
    );
  });
}

/** By address. */
const servers = new Map<string, MysqlServer>();

const says = {
  wrongCredentials: /refuses this job, .*Access denied for user 'root'/,
  emptySource: EMPTY,
  targetHoldsSomething: /^database "app" holds 2 tables: nothing was changed\. Set replace to yes/,
};

describeFaults(
  subject(
    'MariaDB 10.11',
    {
      engine: Engine.mariadb({ version: MariadbVersion.V10_11, databases: ['app'], lockTimeout: Duration.seconds(3) }),
      more: swapFaults,
      dumper: 'mariadb-dump',
      restorer: 'mariadb',
      says: {
        ...says,
        serverKilled: /^storing app\.tables\.sql failed: .*mariadb-dump: .*(Lost connection|gone away|error)/i,
        dumperKilled: /^storing app\.tables\.sql failed: mariadb-dump failed: killed by signal 9/,
        scratchFull: /^the scratch server's data directory could not be made: .*(No space left on device|the scratch volume is full)/,
        restorerKilled: /^restoring app\.tables\.sql failed: (mariadb|mysql) was killed by signal 9/,
      },
    },
    'mariadb:10.11.19-jammy',
  ),
);

describeFaults(
  subject(
    'MySQL 9.7',
    {
      engine: Engine.mysql({ version: MysqlVersion.V9_7, databases: ['app'] }),
      dumper: 'mysqldump',
      restorer: 'mysql',
      says: {
        ...says,
        serverKilled: /^storing app\.tables\.sql failed: .*mysqldump: .*(Lost connection|gone away)/i,
        dumperKilled: /^storing app\.tables\.sql failed: mysqldump failed: killed by signal 9/,
        scratchFull: /^the scratch server's data directory could not be made: .*(No space left on device|the scratch volume is full)/,
        restorerKilled: /^restoring app\.tables\.sql failed: (mariadb|mysql) was killed by signal 9/,
      },
      // What a fault meets here is MariaDB's, word for word.
      leaveOut: {
        wrongCredentials: 'the same scripts as for MariaDB, whose table has it',
        serverAbsent: 'the same scripts as for MariaDB, whose table has it',
        deadline: 'the same scripts as for MariaDB, whose table has it; a signal reaches all processes without setsid: see mysql.e2e.ts',
        emptySource: 'the same scripts as for MariaDB, whose table has it',
      },
    },
    'mysql:9.7.2-oraclelinux9',
  ),
);
