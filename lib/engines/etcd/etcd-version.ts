import type { IConstruct } from 'constructs';
import { InputError } from '../../core/input-error';

/**
 * A release of etcd, the same as the server's: its release series (3.5) must be the same, the patch level need not.
 *
 * Releases differ: 3.4 restores snapshots with etcdctl, later ones with etcdutl. Revisions can be moved forward since 3.4.27 and 3.5.10.
 */
export class EtcdVersion {
  /** etcd 3.4, which its developers no longer maintain. */
  public static readonly V3_4 = EtcdVersion.of('3.4.45');
  /** etcd 3.5: Kubernetes up to 1.33. */
  public static readonly V3_5 = EtcdVersion.of('3.5.33');
  /** etcd 3.6: Kubernetes since 1.34. */
  public static readonly V3_6 = EtcdVersion.of('3.6.14');

  /**
   * Another release.
   *
   * @param release such as '3.5.21'
   * @param image an image that ships that release's etcd, etcdctl and, since 3.5, etcdutl; if left out, the project's own image
   */
  public static of(release: string, image?: string): EtcdVersion {
    return new EtcdVersion(release, image ?? `gcr.io/etcd-development/etcd:v${release}`);
  }

  /** Versions of two engines have the same fields; this tells them apart. @internal */
  public readonly _engine = 'etcd';

  private constructor(
    /** The release, such as '3.5.33'. */
    public readonly release: string,
    /** The image for it. */
    public readonly image: string,
  ) {}

  /** The release series, such as '3.5'. */
  public get series(): string {
    return this.release.split('.').slice(0, 2).join('.');
  }

  /** The program that restores snapshots: a part of etcdctl before 3.5. */
  public get restoreProgram(): string {
    return this.atLeast(3, 5, 0) ? 'etcdutl' : 'etcdctl';
  }

  /** Whether a restore can move revisions forward, so that clients that remember later ones notice. */
  public get canBumpRevision(): boolean {
    return this.series === '3.4' ? this.atLeast(3, 4, 27) : this.atLeast(3, 5, 10);
  }

  /** Whether members of this release can come to hold different data after a crash (etcd 3.5.0 to 3.5.2: etcd-io/etcd issue 13766). */
  public get corruptsData(): boolean {
    return this.series === '3.5' && !this.atLeast(3, 5, 3);
  }

  /** @internal */
  public _check(scope: IConstruct): void {
    if (!/^3\.\d+\.\d+$/.test(this.release) || !this.atLeast(3, 4, 0)) {
      throw new InputError(scope, {
        prop: 'engine.version',
        got: this.release,
        because: "write a release from 3.4.0 on, for example '3.5.33'",
      });
    }
  }

  private atLeast(...wanted: number[]): boolean {
    const numbers = this.release.split('.').map(Number);
    const differs = wanted.findIndex((number, index) => number !== numbers[index]);
    return differs < 0 || (numbers[differs] ?? 0) > (wanted[differs] ?? 0);
  }
}
