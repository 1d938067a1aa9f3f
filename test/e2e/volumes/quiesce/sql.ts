import type { Execution, Image } from '../../../rehearsal';
import { until } from '../../support/rehearse';
import { type QuiescedPod, runInImage } from './pod';

const PAD = 'repeat(char(97 + floor(rand() * 26)), 20 + floor(rand() * 400))';
const someRow = 'where id = floor(rand() * 400)';

/** MariaDB or MySQL in a pod: tables with and without transactions, and who writes to them. */
export class SqlServer {
  constructor(
    readonly pod: QuiescedPod,
    private readonly client: 'mariadb' | 'mysql',
    readonly tables: { [name: string]: string },
  ) {}

  /** Without crash-safe Aria tables: statements that had begun may still write to them, and wait at their end ("BACKUP STAGE"). */
  private get counting(): string {
    const counted = Object.keys(this.tables).filter(table => table !== 'aria');
    return counted.map(table => `select '${table}', count(*), max(id), sum(k) from shop.${table};`).join(' ');
  }

  async fill(): Promise<void> {
    await this.pod.ready('server', this.client, ...ROOT, '-e', 'select 1');
    await this.pod.ready('quiesce', 'test', '-p', '/quiesce/events');
    const made = Object.entries(this.tables).map(
      ([name, engine]) =>
        `create table shop.${name} (id int auto_increment primary key, k int, pad varchar(500), key (k), key (pad(50))) engine = ${engine};
         insert into shop.${name} (k, pad) select rand() * 1000000, ${PAD} from information_schema.columns limit 400;`,
    );
    await this.ask(`create database shop; create database blocker; ${made.join('\n')}`);
  }

  /** Starts clients that write to all tables, until the pod ends. */
  async write(writers: number): Promise<void> {
    const statements = Object.keys(this.tables).flatMap(table => [
      `insert into ${table} (k, pad) values (rand() * 1000000, ${PAD});`,
      `update ${table} set k = k + 1, pad = ${PAD} ${someRow};`,
      `delete from ${table} ${someRow} order by id limit 1;`,
    ]);
    const script = `yes "$1" | ${this.client} ${ROOT.join(' ')} --force shop`;
    for (let i = 0; i < writers; i += 1) this.pod.pod.exec('server', ['sh', '-c', script, 'sh', `${statements.join(' ')} do sleep(0.04);`]);
    await until('somebody writes', () => this.isWritten());
  }

  ask(sql: string, ...options: string[]): Promise<string> {
    return this.pod.server(this.client, ...ROOT, '--batch', '--skip-column-names', ...options, '-e', sql);
  }

  async isWritten(): Promise<boolean> {
    const before = await this.count();
    await new Promise(resolve => setTimeout(resolve, 400));
    return (await this.count()) !== before;
  }

  /** Reads, too. */
  async count(): Promise<string> {
    return this.ask(this.counting);
  }

  async canDefine(): Promise<boolean> {
    try {
      await this.ask('set lock_wait_timeout = 1; create table if not exists shop.another (i int); drop table shop.another;');
      return true;
    } catch {
      return false;
    }
  }

  /** A session in which something runs or is held; ended by the server. */
  async block(sql: string): Promise<() => Promise<void>> {
    const script = `{ echo "$1"; sleep 60; } | ${this.client} ${ROOT.join(' ')} blocker`;
    const blocker: Execution = this.pod.pod.exec('server', ['sh', '-c', script, 'sh', sql]);
    await new Promise(resolve => setTimeout(resolve, 700));
    return async () => {
      const ids = await this.ask("select id from information_schema.processlist where db = 'blocker'");
      for (const id of ids.split('\n').filter(Boolean)) await this.ask(`kill ${id}`);
      blocker.kill();
    };
  }

  /** Starts a server over a copy of the data; what CHECK TABLE complains of, and the tables' counts. */
  async check(image: Image, copy: string): Promise<{ readonly complaints: string[]; readonly count: string }> {
    const daemon = this.client === 'mariadb' ? 'mariadbd' : 'mysqld';
    const more = this.client === 'mariadb' ? '' : '--mysqlx=OFF --innodb-buffer-pool-size=64M';
    const script = `
      rm -f /srv/socket*
      ${daemon} --no-defaults --datadir=/srv/data --socket=/srv/socket --skip-networking ${more} >/srv/log 2>&1 & server=$!
      ask() { ${this.client} ${ROOT.join(' ')} --batch --skip-column-names -e "$1"; }
      until ask 'select 1' >/dev/null 2>&1; do
        kill -0 $server || { echo "it does not start: $(grep -i error /srv/log | head -n 3)"; exit 0; }
        sleep 0.1
      done
      ask "check table ${Object.keys(this.tables)
        .map(table => `shop.${table}`)
        .join(', ')} extended" 2>&1
      echo counts
      ask "${this.counting}" 2>&1
      kill -KILL $server; wait`;
    const { stdout, stderr } = await runInImage(image, copy, ['sh', '-c', script]);
    const [checked = '', counted = ''] = stdout.split('counts\n');
    if (checked === '') throw new Error(`no check: ${stderr}`);
    return { complaints: checked.split('\n').filter(line => line !== '' && !/\tstatus\tOK$/.test(line)), count: counted.trim() };
  }
}

const ROOT = ['--no-defaults', '--socket=/srv/socket', '--user=root'];
