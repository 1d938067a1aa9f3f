import { App, Chart, Testing } from 'cdk8s';
import {
  DatabaseBackup,
  type DatabaseBackupProps,
  Engine,
  PostgresVersion,
  Repository,
  ResticLocation,
  Retention,
  SecretRef,
} from '../../lib';

/** An object as it is applied. */
// biome-ignore lint/suspicious/noExplicitAny: tests look anywhere into it
export type Manifest = any;

export function chart(namespace = 'shop'): Chart {
  return new Chart(new App(), 'shop', { namespace });
}

/** What a chart synthesizes, by `Kind/name`. */
export function objects(of: Chart): { [id: string]: Manifest } {
  return Object.fromEntries(Testing.synth(of).map((object: Manifest) => [`${object.kind}/${object.metadata.name}`, object]));
}

export const files = Repository.files({ claimName: 'backups' });
export const restic = Repository.restic({
  location: ResticLocation.s3({ bucket: 'acme-backups', region: 'eu-central-1', credentials: SecretRef.named('s3') }),
  password: SecretRef.named('key').key('password'),
});

/** The props of a backup that can stand; tests say what is different. */
export function props(different: Partial<DatabaseBackupProps> = {}): DatabaseBackupProps {
  return {
    engine: Engine.postgres({ version: PostgresVersion.V16, databases: ['orders'] }),
    host: 'orders-db',
    credentials: SecretRef.named('orders-backup'),
    repository: files,
    retention: Retention.keep({ daily: 7 }),
    ...different,
  };
}

export function backup(of: Chart, different: Partial<DatabaseBackupProps> = {}, id = 'orders'): DatabaseBackup {
  return new DatabaseBackup(of, id, props(different));
}

/** The main container of a job's pod. */
export function container(object: Manifest): Manifest {
  return podSpec(object).containers[0];
}

export function podSpec(object: Manifest): Manifest {
  return (object.spec.jobTemplate?.spec ?? object.spec).template.spec;
}

/** The variables of the main container; one without a value is set, and empty. */
export function environment(object: Manifest): { [name: string]: Manifest } {
  return Object.fromEntries(container(object).env.map((variable: Manifest) => [variable.name, variable.value ?? variable.valueFrom ?? '']));
}
