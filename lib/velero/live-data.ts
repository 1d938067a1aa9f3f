import type { k8s } from 'cdk8s-plus-27';
import type { Workload } from '../kubernetes/workload';

/** Where images of databases, queues and search engines keep their open files. */
const DATA_DIRECTORIES = [
  ...['mysql', 'postgresql', 'pgsql', 'mongodb', 'etcd', 'redis', 'valkey', 'rabbitmq', 'cassandra', 'scylla', 'neo4j', 'influxdb'],
  ...['clickhouse', 'kafka', 'zookeeper', 'elasticsearch', 'opensearch', 'prometheus', 'arangodb3', 'couchdb', 'meilisearch'],
].map(server => `/var/lib/${server}`);
const OTHERS = ['/data/db', '/data/configdb', '/bitnami', '/cockroach/cockroach-data', '/opt/couchdb/data'];
const WELL_KNOWN = [...DATA_DIRECTORIES, ...OTHERS, '/usr/share/elasticsearch/data', '/usr/share/opensearch/data'];
/** Images whose server keeps its data in a directory with a common name, or gets one above it. */
const OF_IMAGES: [RegExp, string[]][] = [
  [/(?:^|[/-])(?:redis|valkey|keydb|dragonfly|minio|neo4j)/, ['/data']],
  [/(?:^|[/-])mongo/, ['/data/db', '/data/configdb']],
  [/(?:^|[/-])etcd/, ['/data', '/etcd-data', '/default.etcd']],
  [/(?:^|[/-])prometheus/, ['/prometheus']],
];
/** `--datadir=/srv/mysql`, `--dbpath /srv/db`, `-D /srv/pg`. */
const OPTION = /^(?:--?(?:data-?dir|dbpath|db-path|data-path|dir|storage\.tsdb\.path)|-D)(?:=(.+))?$/;

/** A volume that a server works in. @internal */
export interface LiveData {
  readonly volume: string;
  readonly container: string;
  readonly path: string;
}

/**
 * The volumes of a workload that hold the data directory of a server in it, as far as images, variables and options tell.
 *
 * @internal
 */
export function liveData(workload: Workload): LiveData[] {
  return workload.containers.flatMap(container => {
    const own = dataDirectories(container);
    return (container.volumeMounts ?? [])
      .filter(({ readOnly }) => !readOnly)
      .filter(
        ({ mountPath }) =>
          WELL_KNOWN.some(directory => isWithin(mountPath, directory)) ||
          own.some(directory => isWithin(mountPath, directory) || isWithin(directory, mountPath)),
      )
      .map(({ name, mountPath }) => ({ volume: name, container: container.name, path: mountPath }));
  });
}

/** The directories of this container. */
function dataDirectories({ image = '', env = [], command = [], args = [] }: k8s.Container): string[] {
  const words = [...command, ...args].flatMap(word => word.split(/\s+/));
  return [
    ...OF_IMAGES.filter(([images]) => images.test(image)).flatMap(([, directories]) => directories),
    ...env.flatMap(({ name, value }) => (/^(?:PGDATA|ETCD_DATA_DIR|MYSQL_DATADIR)$/.test(name) && value ? [value] : [])),
    ...words.flatMap((word, index) => {
      const option = OPTION.exec(word);
      const value = option && (option[1] ?? words[index + 1]);
      return value?.startsWith('/') ? [value] : [];
    }),
  ];
}

function isWithin(inner: string, outer: string): boolean {
  const end = (path: string) => path.replace(/\/*$/, '/');
  return end(inner).startsWith(end(outer));
}
