import type { EtcdCluster, EtcdMember } from './etcd-cluster';
import type { EtcdVersion } from './etcd-version';

/** The steps to bring back an application's etcd. */
export function statefulSetRunbook({ members }: EtcdCluster, series: string, namespace = 'default'): string {
  const kubectl = `kubectl -n ${namespace}`;
  return `# Bring back etcd: ${series}

Members: ${members.map(({ name, peerUrl }) => `${name} (${peerUrl})`).join(', ')}.
${
  members.length > 1
    ? `
A cluster that has lost a minority of its members needs no restore: \`etcdctl member remove\` the lost one, empty its volume, \`etcdctl member
add\` it with \`--initial-cluster-state existing\`. A restore brings back all members, and undoes what came after the recovery point.
`
    : ''
}
1. Choose a recovery point: the ids of the results, verified ones before others. Without a cluster: fetch.md.

       ${kubectl} get pods -l cdk8s-backup/series=${series} --sort-by=.metadata.creationTimestamp \\
         -o custom-columns='POD:.metadata.name,RESULT:.status.containerStatuses[0].state.terminated.message'

2. Stop all members, and wait until their pods are gone: \`${kubectl} scale statefulset ... --replicas=0\`.
3. Say what to restore; all members must come from the same. When one recovery point is restored once more, add
   \`--from-literal=attempt=2\`, and so on.

       POINT=the-id
       ${kubectl} create configmap ${series}-restore-request --from-literal=recoveryPoint="$POINT" --from-literal=replace=yes

4. Restore every member, in any order${members.some(({ walVolume }) => walVolume) ? '. Each job replaces the data and the log (`--wal-dir`), on both volumes' : ''}:

${restoreJobs(members, series, kubectl)}

   Each says \`"verdict":"restored"\`, or why not; then its volume is as it was. Go on only when all have: a member that was left out holds
   another history. When a step before the scripts has failed, its container has the reason:

       ${kubectl} get pods -l cdk8s-backup/series=${series} \\
         -o jsonpath='{range .items[*].status.initContainerStatuses[*]}{.name}: {.state.terminated.message}{"\\n"}{end}'

5. Start all members at once: \`${kubectl} scale statefulset ... --replicas=${members.length}\`. Their \`--initial-cluster\` flags are not read any more.
6. Check: \`etcdctl endpoint health --cluster\`, \`etcdctl member list\`, and equal hashes in \`etcdctl endpoint hashkv --cluster\`.
   ${DISARM}
7. Back up: \`${kubectl} create job --from=cronjob/${series}-backup ${series}-backup-after-restore\`. Later remove \`*.before-*\` from the volumes.
   Take the request away: \`${kubectl} delete configmap ${series}-restore-request\`.
`;
}

/** The steps to bring back a control plane, with its API server as long as it answers, and without it. */
export function controlPlaneRunbook(
  cluster: EtcdCluster,
  series: string,
  namespace = 'default',
  version: EtcdVersion,
  image: string,
  bumpRevision: boolean,
  walDirectory?: string,
): string {
  const { members } = cluster;
  const kubectl = `kubectl -n ${namespace}`;
  const wal = (words: string) => (walDirectory === undefined ? '' : words);
  const byHand = (name: string, peerUrl: string) => `       # on ${name}
       ctr -n k8s.io run --rm --net-host --mount type=bind,src=/var/lib/etcd,dst=/var/lib/etcd,options=rbind:rw \\
${wal(`         --mount type=bind,src=${walDirectory},dst=${walDirectory},options=rbind:rw \\
`)}         ${image} restore ${version.restoreProgram} snapshot restore /var/lib/etcd/.snapshot.db \\
         --data-dir=/var/lib/etcd/.restored-$POINT${wal(` --wal-dir=${walDirectory}/.restored-$POINT`)} --name=${name} --initial-advertise-peer-urls=${peerUrl} \\
         --initial-cluster=${cluster.initialCluster} \\
         --initial-cluster-token=${series}-$POINT-1${bumpRevision ? ' --bump-revision=1000000000 --mark-compacted' : ''}
`;
  return `# Bring back the control plane: ${series}

Members: ${members.map(({ name, peerUrl }) => `${name} (${peerUrl})`).join(', ')}.

Keep this text where it can be read without the cluster: it is in dist/, which is in Git. The repository's password and the store's
credentials must be kept outside the cluster, too.
${
  members.length > 1
    ? `
A cluster that has lost a minority of its members needs no restore: \`kubeadm reset\` the lost node, \`etcdctl member remove\` it, and join it again.
`
    : ''
}
A restore brings back all members, and undoes what came after the recovery point: objects that were made since are gone, and what they
stand for (pods on nodes, volumes, load balancers) is not.

## 1. Make the members' files

Choose one recovery point for all nodes.

**The API server answers.** A job per node fetches the snapshot, restores it into a throw-away server and compares it with what was
backed up, and leaves the member in /var/lib/etcd/.restored-<id>${wal(`, its log in ${walDirectory}/.restored-<id>`)}. The running etcd is not touched.

       POINT=the-id
       ${kubectl} create configmap ${series}-restore-request --from-literal=recoveryPoint="$POINT"
${restoreJobs(members, series, kubectl)}

**It does not.** Fetch snapshot.db as fetch.md says, with SERIES=${series}, POINT=<id>, MEMBER=snapshot.db, and copy it to
/var/lib/etcd/.snapshot.db of every node. The restore refuses a snapshot that is not whole. The image is pulled if it is not there
(\`ctr -n k8s.io images pull\`); that of the node's own etcd does as well when it ships ${version.restoreProgram}.

       POINT=<id>
${members.map(({ name, peerUrl }) => byHand(name, peerUrl)).join('')}
Go on only when every node has its /var/lib/etcd/.restored-<id>/member${wal(` and its ${walDirectory}/.restored-<id>`)}.

## 2. Stop the control plane on all nodes

       # on every node
       mkdir -p /etc/kubernetes/stopped && mv /etc/kubernetes/manifests/*.yaml /etc/kubernetes/stopped/
       crictl ps | grep -E 'etcd|kube-apiserver'    # until it prints nothing, on every node

Not one API server and not one etcd may run from here on: a member with the old data would be a second truth.

## 3. Put the members in place

       # on every node
       mv /var/lib/etcd/member /var/lib/etcd/.before-$(date -u +%Y%m%d%H%M%S)
       mv /var/lib/etcd/.restored-$POINT/member /var/lib/etcd/member
${wal(`       # the log as well: the old one would be replayed over the restored data
       mkdir ${walDirectory}/.before-$POINT && mv ${walDirectory}/*.wal ${walDirectory}/.before-$POINT/
       mv ${walDirectory}/.restored-$POINT/*.wal ${walDirectory}/
`)}
## 4. Start, in this order

       # on every node, one right after the other: etcd waits for the others
       mv /etc/kubernetes/stopped/etcd.yaml /etc/kubernetes/manifests/
       crictl ps --name etcd
       crictl exec $(crictl ps --name etcd -q) etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt \\
         --cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key \\
         --endpoints=https://127.0.0.1:2379 endpoint health --cluster
       # when all are healthy, on every node
       mv /etc/kubernetes/stopped/kube-apiserver.yaml /etc/kubernetes/manifests/
       # when \`kubectl get --raw /readyz\` says ok, on every node
       mv /etc/kubernetes/stopped/*.yaml /etc/kubernetes/manifests/

## 5. Afterwards

${
  bumpRevision
    ? 'Revisions were moved on, so that controllers and kubelets notice that what they remember is of another history.'
    : 'Restart every kubelet, and every controller and operator: they remember revisions of another history, and nothing tells them.'
}
${DISARM}

Look at \`kubectl get nodes\` and \`kubectl get pods -A\`, back up (\`${kubectl} create job --from=cronjob/${series}-backup ${series}-backup-after-restore\`),
and take the request away (\`${kubectl} delete configmap ${series}-restore-request\`). Remove /var/lib/etcd/.before-*, .restored-* and .snapshot.db${wal(`, and ${walDirectory}/.before-* and .restored-*`)} when nobody misses them.
`;
}

const DISARM =
  'When the recovery point says NOSPACE, `etcdctl compact` and `etcdctl defrag --cluster`, then `etcdctl alarm disarm`: no write is taken before.';

/** One job per member. If there are several members, it carries the member's name. */
function restoreJobs(members: EtcdMember[], series: string, kubectl: string): string {
  const names = members.map(({ name }) => (members.length === 1 ? `${series}-restore` : `${series}-restore-${name}`));
  return names.map(name => `       ${kubectl} create job --from=cronjob/${name} ${name}-1`).join('\n');
}
