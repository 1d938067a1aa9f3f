/** The manifests say something the rehearsal does not know, or the API server would refuse: nothing is run. */
export class NotUnderstood extends Error {
  override readonly name = 'NotUnderstood';
}

/**
 * The pod exists, but a kubelet could not start it. In a cluster it would wait in this state until somebody helps or a deadline passes; a
 * rehearsal ends it at once, and the log says why.
 */
export class CannotStart extends Error {
  override readonly name = 'CannotStart';

  constructor(
    readonly reason: 'CreateContainerConfigError' | 'ErrImagePull' | 'FailedMount',
    problem: string,
  ) {
    super(`${reason}: ${problem}`);
  }
}
