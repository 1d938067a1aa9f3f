import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';

/** Options of a check that reads everything. */
export interface ReadingAllOptions {
  /** In how many verifications, from 1 to 256. */
  readonly over: number;
}

/**
 * How a verification looks at the whole repository, beyond the recovery point that it restores. A repository of plain files is read
 * and compared with its checksums whenever it is looked at.
 */
export class RepositoryCheck {
  /** Not at all. */
  public static none(): RepositoryCheck {
    return new RepositoryCheck(false);
  }

  /** Whether all that recovery points refer to is there: cheap, but a restic repository's data is not read. (`restic check`.) */
  public static structure(): RepositoryCheck {
    return new RepositoryCheck(true);
  }

  /**
   * The structure, and the data of a restic repository, a part at a time: so many verifications read all of it. Which part is next is
   * noted in the repository, and only after a check that found nothing wrong, so that a run that failed or never was leaves no gap;
   * damage is found again by every run until it is mended. What is read has to be fetched: of a terabyte over 12, some 85 GB each time.
   * Backups are not held up by the reading. (restic's documentation, "Checking integrity and consistency": `--read-data-subset=n/t`.)
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
