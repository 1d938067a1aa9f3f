import type { IConstruct } from 'constructs';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';

/** The versions of the API of group snapshots. They differ only in which release serves them. */
export enum GroupSnapshotVersion {
  /** Served by external-snapshotter 8.6 and newer. */
  V1 = 'v1',
  /** Served by external-snapshotter 8.4 and newer. */
  V1BETA2 = 'v1beta2',
  /** Served by external-snapshotter 8.2 and newer; deprecated since 8.4. */
  V1BETA1 = 'v1beta1',
}

/** Options of snapshots of a group that the driver takes. */
export interface NativeSnapshotOptions {
  /**
   * Labels that the claims of all members have, and no other claim of the namespace: a VolumeGroupSnapshot selects by them. Before each run
   * they are compared with the members.
   */
  readonly selector: { [label: string]: string };
  /**
   * The VolumeGroupSnapshotClass of the snapshots.
   * @default - the default of the volumes' driver
   */
  readonly groupClassName?: string;
  /**
   * The version of the API that the cluster's snapshot controller serves.
   * @default GroupSnapshotVersion.V1BETA2
   */
  readonly apiVersion?: GroupSnapshotVersion;
}

/** @internal */
export interface SnapshotModeConfig {
  readonly name: 'coordinated' | 'native';
  readonly selector: { [label: string]: string };
  readonly groupClassName?: string;
  readonly apiVersion?: GroupSnapshotVersion;
}

/** How the snapshots of a group become one group. */
export class SnapshotMode {
  /**
   * A VolumeSnapshot for every claim, quickly one after the other. They show one state only for what is held still meanwhile: name a
   * quiesce for every server that writes. Any driver with snapshots can do it.
   */
  public static coordinated(): SnapshotMode {
    return new SnapshotMode({ name: 'coordinated', selector: {} });
  }

  /**
   * One VolumeGroupSnapshot of all claims, which the driver takes at one instant. Drivers differ in what they promise: read whether yours
   * stops the writes of all volumes at the same moment. All volumes are of one driver and in one namespace. (Kubernetes documentation,
   * "Volume Group Snapshots"; kubernetes/enhancements, KEP-3476.)
   */
  public static native(options: NativeSnapshotOptions): SnapshotMode {
    return new SnapshotMode({ ...options, name: 'native', apiVersion: options.apiVersion ?? GroupSnapshotVersion.V1BETA2 });
  }

  private constructor(private readonly config: SnapshotModeConfig) {}

  /**
   * @throws InputError when there are no labels, or a name is invalid
   * @internal
   */
  public _bind(scope: IConstruct): SnapshotModeConfig {
    const { name, selector, groupClassName } = this.config;
    if (name === 'native') checkSelector(scope, 'mode.selector', selector);
    if (groupClassName !== undefined) checkObjectName(scope, 'mode.groupClassName', groupClassName);
    return this.config;
  }
}

/**
 * Checks labels by which claims are selected. They have to fit on a command line.
 *
 * @throws InputError when there is none, or one cannot be a label
 * @internal
 */
export function checkSelector(scope: IConstruct, prop: string, labels: { [label: string]: string }): void {
  if (Object.keys(labels).length === 0) {
    throw new InputError(scope, { prop, got: labels, because: "name one label or more, for example { app: 'shop' }" });
  }
  checkLabels(scope, prop, labels);
}

/**
 * Checks labels.
 *
 * @throws InputError when one cannot be a label
 * @internal
 */
export function checkLabels(scope: IConstruct, prop: string, labels: { [label: string]: string }): void {
  for (const [label, value] of Object.entries(labels)) {
    if (
      !/^([-.a-z0-9]+\/)?[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$/.test(label) ||
      !/^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?$/.test(value)
    ) {
      const because =
        'write the name of a label, with or without a domain in front, and a value of letters, digits, dashes, dots and underscores';
      throw new InputError(scope, { prop, got: { [label]: value }, because });
    }
  }
}
