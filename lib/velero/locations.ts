import type { ApiObject, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { checkedConstruct } from '../core/given';
import { InputError } from '../core/input-error';
import type { SecretKeyRef } from '../core/secret-ref';
import { type VeleroObjectOptions, veleroObject } from './object';
import { veleroDuration } from './timeout';

/** Props of a place where backups are kept. */
export interface VeleroBackupStorageLocationProps extends VeleroObjectOptions {
  /** The name of the provider's plugin: 'aws' (and whatever speaks S3), 'azure', 'gcp'. */
  readonly provider: string;
  /** The bucket, or container. */
  readonly bucket: string;
  /**
   * The directory in it, for Velero alone.
   * @default - the whole bucket, for Velero alone
   */
  readonly prefix?: string;
  /**
   * The provider's settings: `{ region: 'eu-central-1' }`. All are text; the plugin documents them.
   * @default - none
   */
  readonly config?: { [key: string]: string };
  /**
   * The Secret in Velero's namespace with the provider's credentials.
   * @default - those that Velero was installed with
   */
  readonly credentials?: SecretKeyRef;
  /**
   * The Secret in Velero's namespace with the certificate of the authority that signed the store's certificate.
   * @default - public authorities
   */
  readonly caCertificate?: SecretKeyRef;
  /**
   * Backups can be restored from it, but none are written or deleted: for another cluster's backups, or for a drill.
   * @default false
   */
  readonly readOnly?: boolean;
  /**
   * Whether backups that name no location go there. One location is the default.
   * @default false
   */
  readonly isDefault?: boolean;
  /**
   * How often Velero lists the backups there.
   * @default - Velero's own, every minute
   */
  readonly backupSyncPeriod?: Duration;
  /**
   * How often Velero checks that it can be reached.
   * @default - Velero's own, every minute
   */
  readonly validationFrequency?: Duration;
}

/** A place where Velero keeps backups: a BackupStorageLocation. */
export class VeleroBackupStorageLocation extends Construct {
  /** Its name, for the storageLocation of backups. */
  public readonly name: string;
  /** The BackupStorageLocation. */
  public readonly resource: ApiObject;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroBackupStorageLocationProps) {
    super(...checkedConstruct('VeleroBackupStorageLocation', scope, id, props));
    const { provider, bucket, prefix, config, credentials, caCertificate, readOnly, isDefault } = props;
    const { backupSyncPeriod, validationFrequency } = props;
    checkProvider(this, provider);
    if (!/^[A-Za-z0-9][-.\w]*$/.test(bucket)) {
      throw new InputError(this, {
        prop: 'bucket',
        got: bucket,
        because: 'write the name of a bucket: a directory in it goes into prefix',
      });
    }
    if (prefix !== undefined && !/^[^/\s]+(\/[^/\s]+)*$/.test(prefix)) {
      throw new InputError(this, {
        prop: 'prefix',
        got: prefix,
        because: "write a directory without leading or trailing slashes, for example 'clusters/a'",
      });
    }
    this.resource = veleroObject(this, 'BackupStorageLocation', props, {
      provider,
      objectStorage: { bucket, prefix, ...(caCertificate && { caCertRef: keyRef(caCertificate) }) },
      config,
      ...(credentials && { credential: keyRef(credentials) }),
      accessMode: readOnly ? 'ReadOnly' : 'ReadWrite',
      ...(isDefault !== undefined && { default: isDefault }),
      backupSyncPeriod: backupSyncPeriod && veleroDuration(this, 'backupSyncPeriod', backupSyncPeriod),
      validationFrequency: validationFrequency && veleroDuration(this, 'validationFrequency', validationFrequency),
    });
    this.name = this.resource.name;
  }
}

/** Props of a place where a provider keeps its own snapshots. */
export interface VeleroVolumeSnapshotLocationProps extends VeleroObjectOptions {
  /** The name of the provider's plugin: 'aws', 'azure', 'gcp'. */
  readonly provider: string;
  /**
   * The provider's settings: `{ region: 'eu-central-1' }`. All are text; the plugin documents them.
   * @default - none
   */
  readonly config?: { [key: string]: string };
  /**
   * The Secret in Velero's namespace with the provider's credentials.
   * @default - those that Velero was installed with
   */
  readonly credentials?: SecretKeyRef;
}

/** Where a provider keeps its own snapshots: a VolumeSnapshotLocation. CSI snapshots need none. */
export class VeleroVolumeSnapshotLocation extends Construct {
  /** Its name, for the volumeSnapshotLocations of backups. */
  public readonly name: string;
  /** The VolumeSnapshotLocation. */
  public readonly resource: ApiObject;

  /**
   * @throws InputError when a prop is invalid
   */
  constructor(scope: Construct, id: string, props: VeleroVolumeSnapshotLocationProps) {
    super(...checkedConstruct('VeleroVolumeSnapshotLocation', scope, id, props));
    const { provider, config, credentials } = props;
    checkProvider(this, provider);
    this.resource = veleroObject(this, 'VolumeSnapshotLocation', props, {
      provider,
      config,
      ...(credentials && { credential: keyRef(credentials) }),
    });
    this.name = this.resource.name;
  }
}

function keyRef({ secretName, keyName }: SecretKeyRef): object {
  return { name: secretName, key: keyName };
}

function checkProvider(scope: Construct, provider: string): void {
  if (!/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?(\/[-.\w]+)?$/.test(provider)) {
    throw new InputError(scope, { prop: 'provider', got: provider, because: "write the plugin's name for it, for example 'aws'" });
  }
}
