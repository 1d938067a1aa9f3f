import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';

/** Options of a check that reads everything. */
export interface ReadingAllOptions {
  /** In how many verifications, from 1 to 256. */
  readonly over: number;
}

/**
 * How a verification checks the whole repository, beyond the recovery point that it restores. A repository of plain files is always read
 * and compared with its checksums, unless the check is `none()`.
 */
export class RepositoryCheck {
  /** Not at all. */
  public static none(): RepositoryCheck {
    return new RepositoryCheck(false);
  }

  /**
   * Whether everything that recovery points refer to is there. It is cheap, but does not read a restic repository's data. (`restic check`.)
   */
  public static structure(): RepositoryCheck {
    return new RepositoryCheck(true);
  }

  /**
   * The structure, and the data of a restic repository, one part per verification: after `over` verifications all of it has been read.
   *
   * The repository notes which part is next, and only after a check without errors. So a run that failed or never happened leaves no gap,
   * and every run finds damage again until it is mended. Each part has to be fetched: for a terabyte over 12, some 85 GB each time. Reading
   * does not hold up backups. (restic's documentation, "Checking integrity and consistency": `--read-data-subset=n/t`.)
   */
  public static readingAll(options: ReadingAllOptions): RepositoryCheck {
    return new RepositoryCheck(true, options.over);
  }

  private constructor(
    private readonly looks: boolean,
    private readonly over?: number,
  ) {}

  /** @internal */
  public _bind(scope: IConstruct): { name: string; value: string }[] {
    const { over } = this;
    // restic tells parts apart by the first byte of a pack's name.
    if (over !== undefined && (!Number.isInteger(over) || over < 1 || over > 256)) {
      throw new InputError(scope, { prop: 'checkRepository.over', got: over, because: 'write a whole number from 1 to 256' });
    }
    return [
      { name: 'CHECK_REPOSITORY', value: this.looks ? 'yes' : 'no' },
      ...(over === undefined ? [] : [{ name: 'CHECK_DATA_OVER', value: String(over) }]),
    ];
  }
}
