import type { IConstruct } from 'constructs';
import { InputError } from '../core/input-error';
import type { RetentionConfig } from '../core/retention';
import type { RepositoryConfig } from '../repositories/repository';

/**
 * Whoever can add to a repository can add recovery points until rules that count drop the older ones. (restic's documentation, "Security
 * considerations in append-only mode".)
 *
 * @throws InputError when the retention of an append-only repository has no rule that time alone decides
 * @internal
 */
export function checkAppendOnly(scope: IConstruct, repository: RepositoryConfig, retention: RetentionConfig): void {
  if (!repository.appendOnly || retention.keepsAll || retention.hasWithin) return;
  throw new InputError(scope, {
    prop: 'retention.within',
    got: undefined,
    because:
      'in an append-only repository, an attacker could add recovery points until these rules drop the good ones: also set a time for which all are kept, for example within: Duration.days(30), or use Retention.all()',
  });
}
