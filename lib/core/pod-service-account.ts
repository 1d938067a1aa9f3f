/**
 * The service account of a job's pods, by which a cloud knows them: no key is in a Secret then.
 *
 * The pods mount no token for the Kubernetes API, whatever the account may do there: clouds put a token of their own into them, or
 * answer by the pod's address. Containers in which code of the data's owner may run get none, as far as the cloud lets pods say so: see
 * `PodOptions.serviceAccount`.
 */
export class PodServiceAccount {
  /**
   * An account that somebody else makes in the namespace of the jobs; PREREQUISITES.md names it.
   *
   * @param name the ServiceAccount's name
   */
  public static named(name: string): PodServiceAccount {
    return new PodServiceAccount(name);
  }

  /**
   * An account that this library makes, once in each namespace that has jobs with it.
   *
   * Amazon EKS: `eks.amazonaws.com/role-arn` names the role; where a Pod Identity association names it, none is needed: `{}`.
   * (https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html,
   * https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html)
   * GKE: `iam.gke.io/gcp-service-account`, or none where the bucket's policy names the Kubernetes account.
   * (https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity)
   * Azure: `azure.workload.identity/client-id`.
   * (https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html)
   *
   * @param name the ServiceAccount's name; not `default`, which all other pods of the namespace have
   * @param annotations its annotations: `{ 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/backup' }`
   */
  public static annotated(name: string, annotations: { [annotation: string]: string }): PodServiceAccount {
    return new PodServiceAccount(name, annotations);
  }

  private constructor(
    /** @internal */
    public readonly _name: string,
    /** Undefined where somebody else makes it. @internal */
    public readonly _annotations?: { [annotation: string]: string },
  ) {}
}
