import type { Construct } from 'constructs';
import { InputError } from './input-error';

/**
 * Refuses defaults that come after what they are for.
 *
 * @param prop what says the defaults
 * @param options what they would be
 * @throws InputError when the construct has children, which are made without them
 */
export function refuseTooLate({ node }: Construct, prop: string, options: object): void {
  const [first] = node.children;
  if (!first) return;
  const because = `set it before you create the first child: ${first.node.path} was created without it`;
  throw new InputError(node.path, { prop, got: options, because });
}
