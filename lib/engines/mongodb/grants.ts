/**
 * Creates a user in mongosh, which asks for the password. Words in angle brackets come from the role's Secret.
 *
 * @param database where users are that sign in
 * @internal
 */
export function createUser(database: string, names: string[]): string {
  const roles = names.map(role => `{ role: '${role}', db: 'admin' }`).join(', ');
  return `db.getSiblingDB('${database}').createUser({ user: '<username>', pwd: passwordPrompt(), roles: [${roles}] })`;
}
