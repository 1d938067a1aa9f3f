import { randomBytes } from 'node:crypto';
import { ADMIN, ANONYMOUS, serviceAccount, type User } from './access';
import { ApiError } from './errors';

/** Who has which token. */
export class Tokens {
  private readonly users = new Map<string, User>();
  readonly admin = this.issue(ADMIN);

  /** A token for a pod's service account; it is worth nothing once it is revoked, as when its pod is gone. */
  forServiceAccount(namespace: string, name: string): string {
    return this.issue(serviceAccount(namespace, name));
  }

  revoke(token: string): void {
    this.users.delete(token);
  }

  userOf(header: string | undefined): User {
    const token = /^Bearer (.+)$/.exec(header ?? '')?.[1];
    if (token === undefined) return ANONYMOUS;
    const user = this.users.get(token);
    if (!user) throw new ApiError(401, 'Unauthorized', 'Unauthorized');
    return user;
  }

  private issue(user: User): string {
    const token = randomBytes(24).toString('base64url');
    this.users.set(token, user);
    return token;
  }
}
