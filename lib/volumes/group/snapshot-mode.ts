import type { IConstruct } from 'constructs';
import { InputError } from '../../core/input-error';
import { checkObjectName } from '../../core/names';

/** The versions of the API of group snapshots. They differ in nothing but in who serves them. */
export enum GroupSnapshotVersion {
  /** Served by external-snapshotter 8.6 and newer. */
  V1 = 'v1',
  /** Served by external-snapshotter 8.4 and newer. */
  V1BETA2 = 'v1beta2',
  /** Served by external-snapshotter 8.2 and newer; deprecated since 8.4. */
  V1BETA1 = 'v1beta1',
}

/** How the driver takes the snapshots of a group. */
export interface NativeSnapshotOptions {
  /**
   * Labels that the claims of all members have, and no other claim of the namespace: a VolumeGroupSnapshot selects by them. Before each run
   * they are compared with the members.
   */
  readonly selector: { [label: string]: string };
  /**
   * The VolumeGroupSnapshotClass by which they are taken.
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

/** How the snapshots of a group become one. */
export class SnapshotMode {
  /**
   * A VolumeSnapshot for every claim, one after the other in a moment. They show one state only of what is held still meanwhile: name a
   * quiesce for every server that writes. Any driver with snapshots can do it.
   */
  public static coordinated(): SnapshotMode {
    return new SnapshotMode({ name: 'coordinated', selector: {} });
  }

  /**
   * One VolumeGroupSnapshot of all claims, which the driver takes at one instant: that the writes of all volumes stop at the same
   * moment is the driver's promise, so read what yours says of it. All volumes are of one driver and in one namespace.
   * (Kubernetes documentation, "Volume Group Snapshots"; kubernetes/enhancements, KEP-3476.)
   */
  public static native(options: NativeSnapshotOptions): SnapshotMode {
    return new SnapshotMode({ ...options, name: 'native', apiVersion: options.apiVersion ?? GroupSnapshotVersion.V1BETA2 });
  }

  private constructor(private readonly config: SnapshotModeConfig) {}

  /**
   * @throws InputError when there are no labels, or a name is none
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
 * Checks labels by which claims are selected. They have to be written on a command line.
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
      const because = 'a label is a name, with a domain in front or without, and a value of letters, digits, dashes, dots and underscores';
      throw new InputError(scope, { prop, got: { [label]: value }, because });
    }
  }
}
