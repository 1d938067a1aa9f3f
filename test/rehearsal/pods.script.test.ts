import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { RunningPod } from './pod';
import { appears, cannotRunPods, type Loose, output, removeScratch, runTiny, tinyImages, tinyJob, withCluster } from './tiny';

const cannotRun = cannotRunPods();
afterAll(removeScratch);

const user = (uid: number, more: Loose = {}) => ({ pod: { securityContext: { runAsUser: uid, ...more } } });

/** A job whose container `main` mounts each volume at `/<its name>`. */
function withVolumes(
  script: string,
  volumes: Loose[],
  { pod = {}, container = {}, mount = {} }: { pod?: Loose; container?: Loose; mount?: Loose } = {},
) {
  const volumeMounts = volumes.map(volume => ({ name: volume.name, mountPath: `/${volume.name}`, ...mount }));
  return tinyJob(script, { pod: { volumes, ...pod }, container: { volumeMounts, ...container } });
}

describe.skipIf(cannotRun)('how a container ends', () => {
  it('reports its exit code and its output, both streams in order', async () => {
    const run = await runTiny(tinyJob('echo one; echo two >&2; echo three; exit 3'));
    expect(run).toMatchObject({ succeeded: false, reason: 'BackoffLimitExceeded' });
    expect(run.pods[0]).toMatchObject({
      phase: 'Failed',
      containers: [{ name: 'main', init: false, exitCode: 3, signal: undefined, restarts: 0 }],
    });
    expect(output(run)).toBe('one\ntwo\nthree\n');
    expect(run.log).toBe('[main] one\n[main] two\n[main] three');
  });

  it('succeeds with 0', async () => {
    expect(await runTiny(tinyJob('true'))).toMatchObject({
      succeeded: true,
      reason: undefined,
      result: undefined,
      pods: [{ phase: 'Succeeded' }],
    });
  });

  it('names the signal that killed it', async () => {
    const run = await runTiny(tinyJob('sleep 60; true'), { onPod: async pod => void (await pod.kill('sh')) });
    expect(run.pods[0]?.containers[0]).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
  });

  it.each([
    ['is not in the image', ['/bin/pg_dump'], 'StartError: exec: "/bin/pg_dump": No such file or directory'],
    ['is not in PATH', ['pg_dump'], 'StartError: exec: "pg_dump": No such file or directory'],
    ['is not executable', ['/etc/passwd'], 'StartError: exec: "/etc/passwd": Permission denied'],
  ])('fails to start when the command %s', async (_, command, problem) => {
    const run = await runTiny(tinyJob('', { container: { command } }));
    expect(run.pods[0]).toMatchObject({ phase: 'Failed', containers: [{ exitCode: 128, signal: undefined }] });
    expect(run.log).toContain(problem);
  });

  it('leaves 127 to shells', async () => {
    expect((await runTiny(tinyJob('pg_dump'))).pods[0]?.containers[0]?.exitCode).toBe(127);
  });

  it('takes everything it started with it', async () => {
    const run = await runTiny(tinyJob('sleep 4321 & exit 0'));
    expect(run.succeeded).toBe(true);
    expect(commandLines().filter(line => line.includes('sleep\x004321'))).toEqual([]);
  });

  it('writes its output to a pipe that can be opened again', async () => {
    expect(output(await runTiny(tinyJob('echo a; echo b >/dev/stderr; echo c', user(1000))))).toBe('a\nb\nc\n');
  });
});

describe.skipIf(cannotRun)('sidecars', () => {
  const volumes = [{ name: 'v', emptyDir: {} }];
  const volumeMounts = [{ name: 'v', mountPath: '/v' }];
  const container = (name: string, script: string, more: Loose = {}) => ({
    ...{ name, image: 'tiny:1', command: ['sh', '-c', script], volumeMounts },
    ...more,
  });
  const sidecar = (name: string, script: string, more: Loose = {}) => container(name, script, { restartPolicy: 'Always', ...more });
  const withInit = (script: string, initContainers: Loose[], pod: Loose = {}) =>
    tinyJob(script, { pod: { volumes, initContainers, terminationGracePeriodSeconds: 5, ...pod }, container: { volumeMounts } });
  const waits = 'trap "exit 0" TERM; sleep 60 & wait';

  it('are started in their turn, run beside what comes after them, and are stopped when that has ended', async () => {
    const serve = 'echo up; echo up >/v/up; trap "test -e /v/main-ended && echo stopped last; exit 7" TERM; sleep 60 & wait';
    const run = await runTiny(
      withInit('cat /v/seen; sleep 0.2; echo >/v/main-ended', [
        container('first', 'test ! -e /v/up'),
        sidecar('server', serve),
        container('client', 'until [ -e /v/up ]; do sleep 0.05; done; echo seen >/v/seen'),
      ]),
    );
    // An exit code of a sidecar says nothing about the pod.
    expect(run).toMatchObject({ succeeded: true });
    expect(output(run)).toBe('seen\n');
    expect(run.pods[0]?.containers.map(({ name }) => name)).toEqual(['first', 'server', 'client', 'main']);
    expect(run.pods[0]?.containers[1]).toMatchObject({ init: true, exitCode: 7, restarts: 0, log: 'up\nstopped last\n' });
  });

  it('share the network of the pod', async () => {
    const serve = 'echo hello >/v/index; exec httpd -f -p 127.0.0.1:4711 -h /v';
    const policy = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'nothing', namespace: 'shop' },
      spec: { podSelector: {}, policyTypes: ['Egress'], egress: [] },
    };
    const script = 'until wget -qO- http://127.0.0.1:4711/index; do sleep 0.05; done';
    const run = await runTiny([withInit(script, [sidecar('server', serve)]), policy]);
    expect(output(run)).toMatch(/hello\n$/);
  });

  it('are started again when they end', async () => {
    const run = await runTiny(
      withInit('until [ "$(wc -l </v/runs)" -ge 3 ]; do sleep 0.05; done', [sidecar('server', 'echo run >>/v/runs; exit 1')]),
    );
    expect(run.succeeded).toBe(true);
    expect(run.pods[0]?.containers[0]?.restarts).toBeGreaterThanOrEqual(2);
  });

  it('are killed when they do not stop in time', async () => {
    const run = await runTiny(
      withInit('true', [sidecar('server', 'trap "" TERM; while :; do sleep 1; done')], { terminationGracePeriodSeconds: 1 }),
    );
    expect(run).toMatchObject({ succeeded: true, pods: [{ containers: [{ exitCode: 137 }, { exitCode: 0 }] }] });
  });

  it('are stopped when an init container after them fails, whose message is the result', async () => {
    const fail = container('step', 'echo \'{"verdict":"failed"}\' >/dev/termination-log; exit 3');
    const run = await runTiny(withInit('echo never', [sidecar('server', waits), fail]));
    expect(run).toMatchObject({ succeeded: false, result: { verdict: 'failed' } });
    expect(run.pods[0]?.containers.map(({ name, exitCode }) => [name, exitCode])).toEqual([
      ['server', 0],
      ['step', 3],
    ]);
  });

  it('keep the pod waiting when their image is not there', async () => {
    const run = await runTiny(withInit('echo never', [sidecar('server', waits, { image: 'absent:1' })]));
    expect(run).toMatchObject({ succeeded: false, pods: [{ reason: 'ErrImagePull', containers: [{ name: 'server', exitCode: 128 }] }] });
  });

  it('are told to stop last when the pod is deleted', async () => {
    const main = 'trap "echo >/v/main-ended; exit 143" TERM; sleep 60 & wait';
    const serve = 'trap "test -e /v/main-ended && echo last; exit 0" TERM; sleep 61 & wait';
    const onPod = async (pod: Loose) => {
      await appears(pod, 'sleep 60');
      await appears(pod, 'sleep 61');
      await pod.delete();
    };
    const run = await runTiny(withInit(main, [sidecar('server', serve)]), { onPod });
    expect(run.pods[0]?.containers).toMatchObject([{ exitCode: 0, log: 'last\n' }, { exitCode: 143 }]);
  });
});

describe.skipIf(cannotRun)('the network of the node', () => {
  const cut = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'nothing', namespace: 'shop' },
    spec: { podSelector: {}, policyTypes: ['Egress'], egress: [] },
  };
  const reach = async (pod: Loose) => {
    const server = createServer(socket => socket.end('hello\n'));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const script = `grep -c orders-db /etc/hosts; nc 127.0.0.1 ${port} </dev/null`;
      return output(
        await runTiny([tinyJob(script, { pod }), cut], { prepare: cluster => cluster.service('shop', 'orders-db', '127.9.9.9') }),
      );
    } finally {
      server.close();
    }
  };

  it('is out of reach of NetworkPolicies, and knows no Service', async () => {
    expect(await reach({ hostNetwork: true })).toBe('0\nhello\n');
    expect(await reach({})).not.toContain('hello');
  });

  it('knows Services when the pod asks for the DNS of the cluster', async () => {
    expect(await reach({ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' })).toBe('1\nhello\n');
  });
});

describe.skipIf(cannotRun)('signals', () => {
  const grace = { pod: { terminationGracePeriodSeconds: 1 } };
  const deleted = async (script: string, options: Loose = grace, images = tinyImages()) => {
    const started = Date.now();
    const onPod = async (pod: Loose) => {
      await appears(pod, 'sleep 60');
      await pod.delete();
    };
    const run = await runTiny(tinyJob(script, options), { onPod, images });
    return { run, seconds: (Date.now() - started) / 1000 };
  };

  it('reach a shell that has a trap', async () => {
    const { run, seconds } = await deleted("trap 'echo bye; exit 143' TERM; sleep 60 & wait", {
      pod: { terminationGracePeriodSeconds: 50 },
    });
    expect(run.pods[0]).toMatchObject({ phase: 'Failed', containers: [{ exitCode: 143, log: 'bye\n' }] });
    // Long before the grace period is over.
    expect(seconds).toBeLessThan(30);
  });

  it('are ignored by PID 1 without a trap, until the grace period is over', async () => {
    const { run, seconds } = await deleted('sleep 60; true');
    expect(run.pods[0]?.containers[0]).toMatchObject({ exitCode: 137, signal: 'SIGKILL' });
    expect(seconds).toBeGreaterThan(1);
  });

  it('wait behind a foreground child, trap or not', async () => {
    const { run } = await deleted("trap 'exit 143' TERM; sleep 60");
    expect(run.pods[0]?.containers[0]?.exitCode).toBe(137);
  });

  it('are those the image asks for', async () => {
    const { run } = await deleted("trap 'exit 5' TERM; trap 'exit 6' INT; sleep 60 & wait", grace, tinyImages({ stopSignal: 'SIGINT' }));
    expect(run.pods[0]?.containers[0]?.exitCode).toBe(6);
  });

  it('fail the pod at once when the node is lost, and nothing is restarted', async () => {
    const onPod = async (pod: Loose) => {
      await appears(pod, 'sleep 60');
      pod.killPod();
      await pod.done;
    };
    const run = await runTiny(tinyJob("trap 'exit 0' TERM; sleep 60 & wait", { pod: { restartPolicy: 'OnFailure' } }), { onPod });
    expect(run).toMatchObject({
      succeeded: false,
      reason: 'BackoffLimitExceeded',
      pods: [{ containers: [{ exitCode: 137, restarts: 0 }] }],
    });
  });

  it('can hit one process of the pod', async () => {
    const killed: boolean[] = [];
    const script = 'sleep 60; echo "rest $?"; exec sleep 0.2';
    const run = await runTiny(tinyJob(script), {
      onPod: async pod => void killed.push(await pod.kill('sleep'), await pod.kill('never-there')),
    });
    expect(killed).toEqual([true, false]);
    expect(output(run)).toContain('rest 137');
    expect(run.succeeded).toBe(true);
  });

  it('never hit a process of another pod', async () => {
    await withCluster([tinyJob('sleep 1')], {}, async cluster => {
      const reference = { kind: 'Job', namespace: 'shop', name: 'job' } as const;
      const seen: number[] = [];
      const other = cluster.run(reference, { onPod: pod => appears(pod, 'sleep 1') });
      await cluster.run(reference, { onPod: async pod => void seen.push(pod.processes().length, Number(await pod.kill('sleep'))) });
      expect((await other).succeeded).toBe(true);
      expect(seen[1]).toBe(1);
    });
  });
});

describe.skipIf(cannotRun)('what a container sees', () => {
  it('is PID 1, alone, under the name of its pod', async () => {
    const run = await runTiny(tinyJob('echo $$$$; hostname; uname -n; echo $HOSTNAME; cat /etc/hostname; ls /proc | grep -c "^[0-9]"'));
    const [pid, ...rest] = output(run).trim().split('\n');
    expect(pid).toBe('1');
    expect(run.pods[0]?.name).toMatch(/^job-[a-z0-9]{5}$/);
    expect(rest.slice(0, 4)).toEqual(Array(4).fill(run.pods[0]?.name));
    expect(Number(rest[4])).toBeLessThanOrEqual(3);
  });

  it('has no variable of this machine', async () => {
    process.env.REHEARSAL_LEAK = 'x';
    const run = await runTiny(tinyJob('env', { container: { env: [{ name: 'MINE', value: 'a=b c' }] } }), {
      images: tinyImages({ env: { LANG: 'C' } }),
    });
    delete process.env.REHEARSAL_LEAK;
    const names = output(run)
      .trim()
      .split('\n')
      .map(line => line.split('=')[0]);
    const known = ['PATH', 'HOSTNAME', 'HOME', 'LANG', 'MINE', 'PWD', 'SHLVL', '_'];
    expect(names.filter(name => !known.includes(name ?? '') && !name?.startsWith('KUBERNETES_'))).toEqual([]);
    expect(output(run)).toMatch(/^MINE=a=b c$/m);
    expect(output(run)).toMatch(/^HOME=\/root$/m);
  });

  it('has no file of this machine', async () => {
    const run = await runTiny(tinyJob(`ls /; ls -l ${tmpdir()}; cat /etc/hosts; ls -l /dev`));
    expect(output(run)).not.toContain('from the image');
    expect(output(run).split('\n').slice(0, 7)).toEqual(['bin', 'dev', 'etc', 'proc', 'root', 'run', 'sys']);
    expect(output(run)).not.toContain('vda');
  });

  it('expands $(VAR) in command and arguments by what the pod set, not by what the image did', async () => {
    const container = {
      command: ['echo', '$(A)', '$(LANG)', '$$(A)'],
      args: ['$(A)$(B)'],
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '$(A)2' },
      ],
    };
    expect(output(await runTiny(tinyJob('', { container }), { images: tinyImages({ env: { LANG: 'C' } }) }))).toBe('1 $(LANG) $(A) 112\n');
  });

  it('starts the image entrypoint when there is no command, and refuses to guess one', async () => {
    const container = { command: undefined, args: ['hello'] };
    expect(output(await runTiny(tinyJob('', { container }), { images: tinyImages({ entrypoint: ['/bin/echo', 'entry'] }) }))).toBe(
      'entry hello\n',
    );
    await expect(runTiny(tinyJob('', { container }))).rejects.toThrow('has no command');
  });

  it('works in its working directory, made when missing', async () => {
    expect(output(await runTiny(tinyJob('pwd', { container: { workingDir: '/made/here' } })))).toBe('/made/here\n');
  });

  it('has a token unless the pod or its account says no', async () => {
    const token = '/var/run/secrets/kubernetes.io/serviceaccount/token';
    const script = `test -s ${token} && echo token || echo none`;
    const account = (automountServiceAccountToken: boolean) => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'robot', namespace: 'shop' },
      automountServiceAccountToken,
    });
    const job = (automountServiceAccountToken?: boolean) =>
      tinyJob(script, { pod: { automountServiceAccountToken, serviceAccountName: 'robot' } });
    expect(output(await runTiny([job(), account(true)]))).toBe('token\n');
    expect(output(await runTiny([job(), account(false)]))).toBe('none\n');
    expect(output(await runTiny([job(false), account(true)]))).toBe('none\n');
    expect(output(await runTiny([job(true), account(false)]))).toBe('token\n');
    await expect(runTiny(job())).rejects.toThrow('service account robot does not exist');
  });

  it('shows its processes, and no secret in them that is not in an argument', async () => {
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'creds', key: 'password' } } }];
    const seen: string[] = [];
    const onPod = async (pod: Loose) => {
      while (!seen.includes('sleep')) {
        seen.push(...commandLines(), ...pod.processes().flat());
        await new Promise(resolve => setTimeout(resolve, 1));
      }
    };
    const job = tinyJob('echo "$PASSWORD" | wc -c; sleep 0.3; sleep 0.1', { container: { env } });
    const run = await runTiny(job, { onPod, prepare: cluster => cluster.secret('shop', 'creds', { password: 'very-secret-word' }) });
    expect(output(run)).toBe('17\n');
    expect(seen).toContain('sleep');
    expect(seen.join('\n')).not.toContain('very-secret-word');
  });
});

describe.skipIf(cannotRun)('security contexts', () => {
  const who = 'id -u; id -g; id -G; grep -E "CapEff|CapBnd|NoNewPrivs" /proc/self/status | tr "\\n\\t" "  "';

  it('runs as the image user, with the capabilities of a runtime', async () => {
    expect(output(await runTiny(tinyJob(who)))).toBe('0\n0\n0\nCapEff: 00000000a80425fb CapBnd: 00000000a80425fb NoNewPrivs: 1 ');
  });

  it('runs as the user of the pod, with the groups of pod and image and no capabilities', async () => {
    const run = await runTiny(tinyJob(who, user(1000, { runAsGroup: 7, fsGroup: 8, supplementalGroups: [9] })));
    expect(output(run)).toBe('1000\n7\n7 8 9 50\nCapEff: 0000000000000000 CapBnd: 0000000000000000 NoNewPrivs: 1 ');
  });

  it("takes the group from the image's passwd, and 0 for an unknown user", async () => {
    expect(output(await runTiny(tinyJob('id -g; echo $HOME', user(1000))))).toBe('1000\n/home/worker\n');
    expect(output(await runTiny(tinyJob('id -g; echo $HOME', user(4711))))).toBe('0\n/\n');
    expect(output(await runTiny(tinyJob('id -G', user(1000, { supplementalGroupsPolicy: 'Strict' }))))).toBe('1000\n');
  });

  it('lets the container override the pod', async () => {
    const job = tinyJob('id -u', { ...user(1000), container: { securityContext: { runAsUser: 1001 } } });
    expect(output(await runTiny(job))).toBe('1001\n');
  });

  it('drops and adds capabilities of root', async () => {
    const effective = async (capabilities: Loose) =>
      output(
        await runTiny(
          tinyJob('grep CapEff /proc/self/status; chown 5 /tmp && echo chowned', { container: { securityContext: { capabilities } } }),
        ),
      );
    expect(await effective({ drop: ['ALL'] })).toMatch(/^CapEff:\t0{16}\n[^\n]*Operation not permitted\n$/);
    expect(await effective({ drop: ['ALL'], add: ['CHOWN'] })).toBe('CapEff:\t0000000000000001\nchowned\n');
    await expect(effective({ drop: ['CAP_CHOWN'] })).rejects.toThrow('write it as in CHOWN');
  });

  it.each([
    ['the image user is root', { runAsNonRoot: true }, 'container has runAsNonRoot and image will run as root'],
    ['the pod says root', { runAsNonRoot: true, runAsUser: 0 }, "container's runAsUser breaks non-root policy"],
  ])('does not start a non-root container when %s', async (_, securityContext, problem) => {
    const run = await runTiny(tinyJob('id', { pod: { securityContext } }));
    expect(run).toMatchObject({ succeeded: false, pods: [{ phase: 'Failed', reason: 'CreateContainerConfigError' }] });
    expect(run.log).toContain(`CreateContainerConfigError: ${problem}`);
  });

  it('keeps a read-only root read-only, mount points and all', async () => {
    const script = 'for f in /x /etc/x /run/x /dev/x /tmp/x; do echo >$f && echo "wrote $f"; done; echo >/scratch/x && echo good';
    const container = { securityContext: { readOnlyRootFilesystem: true } };
    const log = output(await runTiny(withVolumes(script, [{ name: 'scratch', emptyDir: {} }], { container })));
    expect(log).not.toContain('wrote');
    expect(log.match(/Read-only file system/g)).toHaveLength(5);
    expect(log).toContain('good');
  });

  it('gives a writable root that is gone afterwards, and the image unchanged', async () => {
    const script = 'test ! -e /x && echo fresh; echo changed >/x; echo changed >/etc/passwd; cat /x';
    for (let time = 0; time < 2; time += 1) expect(output(await runTiny(tinyJob(script)))).toBe('fresh\nchanged\n');
    expect(output(await runTiny(tinyJob('grep -c changed /etc/passwd')))).toBe('0\n');
  });

  it('asks the kernel about permissions', async () => {
    const log = output(await runTiny(tinyJob('echo >/bin/x; cat /root/x; ls /root; kill -0 1 && echo own', user(4711))));
    expect(log).toContain("can't create /bin/x: Permission denied");
    expect(log).toContain('own');
  });
});

describe.skipIf(cannotRun)('volumes', () => {
  const secret = { prepare: (cluster: Loose) => cluster.secret('shop', 'creds', { password: 's3', user: 'me' }) };
  const stat = (...paths: string[]) => `stat -L -c '%a %u:%g' ${paths.join(' ')}`;

  it('hands an emptyDir from init container to container, world-writable', async () => {
    const volumeMounts = [{ name: 'v', mountPath: '/v' }];
    const initContainers = [{ name: 'first', image: 'tiny:1', command: ['sh', '-c', `${stat('/v')}; echo made >/v/file`], volumeMounts }];
    const volumes = [{ name: 'v', emptyDir: {} }];
    const run = await runTiny(
      tinyJob('cat /v/file; stat -c %u /v/file', {
        ...user(1000),
        pod: { volumes, initContainers, ...user(1000).pod },
        container: { volumeMounts },
      }),
    );
    expect(run.log).toBe('[first] 777 0:0\n[main] made\n[main] 1000');
  });

  it('gives volumes to the fsGroup', async () => {
    const volumes = [
      { name: 'e', emptyDir: {} },
      { name: 'p', persistentVolumeClaim: { claimName: 'c' } },
    ];
    const prepare = (cluster: Loose) => writeFileSync(join(cluster.claim('shop', 'c'), 'old'), '', { mode: 0o600 });
    const script = `${stat('/e', '/p', '/p/old', '/p/lost+found')}; echo >/p/new && stat -c %u:%g /p/new`;
    const run = await runTiny(withVolumes(script, volumes, user(1000, { fsGroup: 77 })), { prepare });
    expect(output(run)).toBe('2777 0:77\n2775 0:77\n660 0:77\n2770 0:77\n1000:77\n');
  });

  it('leaves a claim to root without fsGroup', async () => {
    const job = withVolumes('echo >/p/x || echo refused', [{ name: 'p', persistentVolumeClaim: { claimName: 'c' } }], user(1000));
    expect(output(await runTiny(job, { prepare: cluster => void cluster.claim('shop', 'c') }))).toContain('refused');
  });

  it('looks at the top directory only with OnRootMismatch', async () => {
    const job = withVolumes(
      'true',
      [{ name: 'p', persistentVolumeClaim: { claimName: 'c' } }],
      user(1000, { fsGroup: 77, fsGroupChangePolicy: 'OnRootMismatch' }),
    );
    await withCluster([job, { ...job, metadata: { name: 'again', namespace: 'shop' } }], {}, async cluster => {
      const claim = cluster.claim('shop', 'c', { lostAndFound: false });
      await cluster.run({ kind: 'Job', namespace: 'shop', name: 'job' });
      writeFileSync(join(claim, 'late'), '');
      await cluster.run({ kind: 'Job', namespace: 'shop', name: 'again' });
      expect(statSync(join(claim, 'late')).mode & 0o777).toBe(0o644);
    });
  });

  it('lays secrets out as a kubelet does, read-only', async () => {
    const script = `ls -A1 /k | grep -v '^\\.\\.20'; readlink /k/password; ${stat('/k', '/k/password')}; cat /k/password; echo; echo x >/k/password`;
    const log = output(await runTiny(withVolumes(script, [{ name: 'k', secret: { secretName: 'creds', defaultMode: 0o400 } }]), secret));
    expect(log.split('\n').slice(0, 7)).toEqual(['..data', 'password', 'user', '..data/password', '1777 0:0', '400 0:0', 's3']);
    expect(log).toContain('Read-only file system');
  });

  it('makes a 0400 key 0440 for the fsGroup, which can then read it', async () => {
    const volumes = [{ name: 'k', secret: { secretName: 'creds', defaultMode: 0o400 } }];
    const script = `${stat('/k/password')}; cat /k/password`;
    expect(output(await runTiny(withVolumes(script, volumes, user(1000, { fsGroup: 77 })), secret))).toBe('440 0:77\ns3');
    expect(output(await runTiny(withVolumes(script, volumes, user(1000)), secret))).toContain('Permission denied');
  });

  it('projects keys, config and the pod itself into one directory', async () => {
    const sources = [
      { secret: { name: 'creds', items: [{ key: 'password', path: 'db/pass', mode: 0o440 }] } },
      { configMap: { name: 'settings' } },
      { configMap: { name: 'gone', optional: true } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } }] } },
    ];
    const prepare = (cluster: Loose) => {
      secret.prepare(cluster);
      cluster.configMap('shop', 'settings', { speed: 'fast' });
    };
    const script = `cd /p; cat db/pass speed namespace; echo; ls; ${stat('db/pass', 'speed')}`;
    const run = await runTiny(withVolumes(script, [{ name: 'p', projected: { sources, defaultMode: 0o444 } }]), { prepare });
    expect(output(run)).toBe('s3fastshop\ndb\nnamespace\nspeed\n440 0:0\n444 0:0\n');
  });

  it.each([
    ['a secret', { secret: { secretName: 'gone' } }, 'FailedMount: secret "gone" not found'],
    ['a config map', { configMap: { name: 'gone' } }, 'FailedMount: configmap "gone" not found'],
    ['a key', { secret: { secretName: 'creds', items: [{ key: 'gone', path: 'x' }] } }, 'FailedMount: secret "creds" has no key gone'],
    ['a directory of the node', { hostPath: { path: '/gone', type: 'Directory' } }, 'FailedMount: hostPath type check failed'],
  ])('does not start without %s', async (_, source, problem) => {
    const run = await runTiny(withVolumes('true', [{ name: 'v', ...source }]), secret);
    expect(run).toMatchObject({ succeeded: false, pods: [{ phase: 'Failed', reason: 'FailedMount' }] });
    expect(run.log).toContain(problem);
  });

  it('starts without an optional one', async () => {
    const volumes = [
      { name: 'v', secret: { secretName: 'gone', optional: true } },
      { name: 'w', configMap: { name: 'gone', optional: true } },
    ];
    expect(output(await runTiny(withVolumes('ls /v /w | wc -l', volumes)))).toBe('3\n');
  });

  it.each([
    ['an emptyDir', { emptyDir: { sizeLimit: '1Mi' } }],
    ['an emptyDir in memory', { emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }],
    ['an ephemeral claim', { ephemeral: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '1Mi' } } } } } }],
    ['a claim', { persistentVolumeClaim: { claimName: 'small' } }],
  ])('is full when %s is full', async (_, source) => {
    const prepare = (cluster: Loose) => cluster.claim('shop', 'small', { sizeLimit: '1Mi' });
    const script = 'dd if=/dev/zero of=/v/f bs=100k count=9 2>&1 && echo fits; dd if=/dev/zero of=/v/g bs=100k count=9 2>&1 || echo full';
    const log = output(await runTiny(withVolumes(script, [{ name: 'v', ...source }]), { prepare }));
    expect(log).toMatch(/fits[\s\S]*No space left on device[\s\S]*full/);
  });

  it('keeps a claim, in the place the test knows, and refuses one nobody declared', async () => {
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c', namespace: 'shop' } };
    const job = withVolumes('cat /p/* 2>/dev/null; echo more >>/p/f', [{ name: 'p', persistentVolumeClaim: { claimName: 'c' } }]);
    await withCluster([job, claim], {}, async cluster => {
      const reference = { kind: 'Job', namespace: 'shop', name: 'job' } as const;
      await cluster.run(reference);
      expect(output(await cluster.run(reference))).toBe('more\n');
      expect(readFileSync(join(cluster.claim('shop', 'c'), 'f'), 'utf8')).toBe('more\nmore\n');
    });
    await expect(runTiny(job)).rejects.toThrow('persistentvolumeclaim "c" is neither');
  });

  it.each([
    ['the mount', { mount: { readOnly: true } }, {}],
    ['the volume', {}, { readOnly: true }],
  ])('is not written through when %s says so', async (_, options, claim) => {
    const job = withVolumes('echo >/p/x', [{ name: 'p', persistentVolumeClaim: { claimName: 'c', ...claim } }], options);
    expect(output(await runTiny(job, { prepare: cluster => void cluster.claim('shop', 'c') }))).toContain('Read-only file system');
  });

  it('nests mounts whatever their order, and mounts parts of volumes', async () => {
    const volumes = [
      { name: 'a', emptyDir: {} },
      { name: 'k', secret: { secretName: 'creds' } },
    ];
    const volumeMounts = [
      { name: 'k', mountPath: '/a/deep/key', subPath: 'password' },
      { name: 'a', mountPath: '/a/deep' },
      { name: 'a', mountPath: '/a', subPath: 'parts/one' },
      { name: 'a', mountPath: '/pod', subPathExpr: 'pods/$(POD)' },
    ];
    const container = { volumeMounts, env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] };
    const run = await runTiny(
      tinyJob('cat /a/deep/key; echo; echo x >/a/f; ls /a/deep /a/deep/parts/one /a/deep/pods', { pod: { volumes }, container }),
      secret,
    );
    const name = run.pods[0]?.name;
    expect(output(run)).toBe(`s3\n/a/deep:\nkey\nparts\npods\n\n/a/deep/parts/one:\ndeep\nf\n\n/a/deep/pods:\n${name}\n`);
  });

  it('makes a missing part of a volume as open as the volume', async () => {
    const volumes = [{ name: 'e', emptyDir: {} }];
    const container = { volumeMounts: [{ name: 'e', mountPath: '/e', subPath: 'part' }] };
    expect(output(await runTiny(tinyJob(`echo >/e/x; ${stat('/e')}`, { pod: { volumes, ...user(1000).pod }, container })))).toBe(
      '777 0:0\n',
    );
  });

  it('cannot make a mount point in a secret', async () => {
    const volumes = [
      { name: 'k', secret: { secretName: 'creds' } },
      { name: 'e', emptyDir: {} },
    ];
    const volumeMounts = [
      { name: 'k', mountPath: '/k' },
      { name: 'e', mountPath: '/k/e' },
    ];
    expect((await runTiny(tinyJob('true', { pod: { volumes }, container: { volumeMounts } }), secret)).log).toContain(
      'cannot be made in a read-only volume',
    );
  });

  it('keeps hostPath away from this machine', async () => {
    const job = withVolumes('ls /h; echo >/h/made-by-a-pod', [{ name: 'h', hostPath: { path: '/etc' } }]);
    await withCluster([job], {}, async cluster => {
      expect(output(await cluster.run({ kind: 'Job', namespace: 'shop', name: 'job' }))).toBe('');
      expect(readdirSync(cluster.hostPath('/etc'))).toEqual(['made-by-a-pod']);
    });
    expect(existsSync('/etc/made-by-a-pod')).toBe(false);
  });

  it('shares 64 MiB of memory between the containers of a pod, and no more', async () => {
    const log = output(await runTiny(tinyJob("df -k /dev/shm | tail -n 1 | awk '{print $2}'; echo >/dev/shm/x && echo good", user(1000))));
    expect(log).toBe('65536\ngood\n');
  });
});

describe.skipIf(cannotRun)('termination messages', () => {
  const message = async (script: string, container: Loose = {}, more: Loose = {}) =>
    (await runTiny(tinyJob(script, { container, ...more }))).pods[0]?.containers[0]?.terminationMessage;

  it('are read from the file, by any user, and parsed as the result', async () => {
    const run = await runTiny(tinyJob(`printf '{"bytes":5}' >/dev/termination-log`, user(1000)));
    expect(run.result).toEqual({ bytes: 5 });
  });

  it('can have another path', async () => {
    expect(
      await message('echo hi >/run/here', { terminationMessagePath: '/run/here', securityContext: { readOnlyRootFilesystem: true } }),
    ).toBe('hi\n');
  });

  it('are the last 4096 bytes', async () => {
    const text = await message(
      'printf start >/dev/termination-log; yes | head -c 5000 >>/dev/termination-log; printf end >>/dev/termination-log',
    );
    expect(text).toHaveLength(4096);
    expect(text).toMatch(/^[y\n]+end$/);
    expect((await runTiny(tinyJob(`yes | head -c 5000 >/dev/termination-log`))).result).toBeUndefined();
  });

  it('share 12 KiB when there are many containers', async () => {
    const containers = ['a', 'b', 'c', 'd', 'e', 'f'].map(name => ({
      name,
      image: 'tiny:1',
      command: ['sh', '-c', 'yes | head -c 5000 >/dev/termination-log'],
    }));
    const run = await runTiny(tinyJob('', { pod: { containers } }));
    expect(run.pods[0]?.containers.map(({ terminationMessage }) => terminationMessage.length)).toEqual(Array(6).fill(2048));
  });

  it('are the log of a failure when there is none and the container wants that', async () => {
    const policy = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    expect(await message('echo broken; exit 1', policy)).toBe('broken\n');
    expect(await message('echo fine', policy)).toBe('');
    expect(await message('echo broken; exit 1')).toBe('');
    expect(await message('echo mine >/dev/termination-log; echo log; exit 1', policy)).toBe('mine\n');
    expect(await message('seq 200; exit 1', policy)).toMatch(/^121\n[\s\S]*\n200\n$/);
    expect(await message('yes longer-lines-than-that-are-needed-here | head -n 100; exit 1', policy)).toHaveLength(2048);
  });
});

describe.skipIf(cannotRun)('the life of a pod', () => {
  const init = (name: string, script: string) => ({ name, image: 'tiny:1', command: ['sh', '-c', script] });

  it('runs init containers one after the other, then the rest together', async () => {
    const volumes = [{ name: 'v', emptyDir: {} }];
    const volumeMounts = [{ name: 'v', mountPath: '/v' }];
    const container = (name: string, script: string) => ({ ...init(name, script), volumeMounts });
    const pod = {
      volumes,
      initContainers: [container('a', 'sleep 0.1; echo a >>/v/f'), container('b', 'echo b >>/v/f')],
      containers: [
        container('main', 'cat /v/f; mkfifo /v/p; echo from-main >/v/p'),
        container('other', 'until [ -p /v/p ]; do sleep 0.01; done; cat /v/p'),
      ],
    };
    const run = await runTiny(tinyJob('', { pod }));
    expect(run.succeeded).toBe(true);
    expect(run.log).toBe('[main] a\n[main] b\n[other] from-main');
  });

  it('ends with the first init container that fails', async () => {
    const run = await runTiny(tinyJob('echo never', { pod: { initContainers: [init('a', 'exit 4'), init('b', 'true')] } }));
    expect(run.pods[0]).toMatchObject({ phase: 'Failed', containers: [{ name: 'a', init: true, exitCode: 4 }] });
    expect(run.pods[0]?.containers).toHaveLength(1);
  });

  it('fails when one of several containers does, once all have ended', async () => {
    const pod = { containers: [init('main', 'exit 1'), init('other', 'sleep 0.2; echo done')] };
    const run = await runTiny(tinyJob('', { pod }));
    expect(run.succeeded).toBe(false);
    expect(run.log).toBe('[other] done');
  });

  it.each([
    [
      'a secret',
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'gone', key: 'k' } } }] },
      'CreateContainerConfigError: secret "gone" not found',
    ],
    ['a declared image', { image: 'tiny:2' }, 'ErrImagePull: image "tiny:2" is not in the catalog'],
  ])('does not begin without %s', async (_, container, problem) => {
    const run = await runTiny(tinyJob('true', { container, job: { backoffLimit: 3 } }));
    expect(run).toMatchObject({ succeeded: false, reason: undefined, pods: [{ phase: 'Failed', containers: [{ exitCode: 128 }] }] });
    expect(run.pods).toHaveLength(1);
    expect(run.log).toContain(problem);
    const limited = await runTiny(tinyJob('true', { container, job: { activeDeadlineSeconds: 600 } }));
    expect(limited.reason).toBe('DeadlineExceeded');
  });

  it('is over when its own deadline is', async () => {
    const run = await runTiny(
      tinyJob("trap 'exit 0' TERM; sleep 60 & wait", { pod: { activeDeadlineSeconds: 0.2, terminationGracePeriodSeconds: 1 } }),
    );
    expect(run).toMatchObject({
      succeeded: false,
      reason: 'BackoffLimitExceeded',
      pods: [{ phase: 'Failed', reason: 'DeadlineExceeded' }],
    });
  });
});

describe.skipIf(cannotRun)('the life of a job', () => {
  const counted = (script: string, job: Loose, pod: Loose = {}) => {
    const volumes = [{ name: 'c', persistentVolumeClaim: { claimName: 'c' } }];
    const volumeMounts = [{ name: 'c', mountPath: '/c' }];
    return tinyJob(`echo x >>/c/runs; n=$(wc -l </c/runs); ${script}`, { job, pod: { volumes, ...pod }, container: { volumeMounts } });
  };
  const prepare = (cluster: Loose) => void cluster.claim('shop', 'c');

  it('makes new pods until one succeeds', async () => {
    const run = await runTiny(counted('[ $n = 3 ]', { backoffLimit: 5 }), { prepare });
    expect(run.succeeded).toBe(true);
    expect(run.pods.map(pod => pod.phase)).toEqual(['Failed', 'Failed', 'Succeeded']);
    expect(new Set(run.pods.map(pod => pod.name)).size).toBe(3);
  });

  it('gives up after backoffLimit failures and one', async () => {
    const run = await runTiny(counted('exit 1', { backoffLimit: 2 }), { prepare });
    expect(run).toMatchObject({ succeeded: false, reason: 'BackoffLimitExceeded' });
    expect(run.pods).toHaveLength(3);
  });

  it('waits longer each time', async () => {
    const started = Date.now();
    await runTiny(tinyJob('exit 1', { job: { backoffLimit: 3 } }), { backoffSeconds: 0.1 });
    expect(Date.now() - started).toBeGreaterThan(700);
  });

  it('restarts containers in the same pod with OnFailure, in fresh roots', async () => {
    const run = await runTiny(
      counted('echo "run $n"; test -e /mark && echo stale; echo >/mark; [ $n = 3 ]', { backoffLimit: 6 }, { restartPolicy: 'OnFailure' }),
      { prepare },
    );
    expect(run).toMatchObject({ succeeded: true, pods: [{ containers: [{ restarts: 2, log: 'run 1\nrun 2\nrun 3\n' }] }] });
    expect(run.pods).toHaveLength(1);
  });

  it.each([
    [0, 1],
    [1, 1],
    [3, 3],
  ])('with OnFailure and backoffLimit %d lets %d runs end', async (backoffLimit, runs) => {
    const run = await runTiny(counted('exit 1', { backoffLimit }, { restartPolicy: 'OnFailure' }), { prepare });
    expect(run).toMatchObject({ succeeded: false, reason: 'BackoffLimitExceeded', pods: [{ containers: [{ restarts: runs - 1 }] }] });
  });

  it('replaces a pod that was deleted or lost', async () => {
    for (const restartPolicy of ['Never', 'OnFailure']) {
      let pods = 0;
      const onPod = async (pod: Loose) => {
        pods += 1;
        if (pods > 1) return;
        await appears(pod, 'sleep 60');
        pod.killPod();
      };
      const run = await runTiny(counted('[ $n = 1 ] && sleep 60; true', { backoffLimit: 1 }, { restartPolicy }), { prepare, onPod });
      expect(run.pods.map(pod => pod.phase)).toEqual(['Failed', 'Succeeded']);
    }
  });

  it('ends at its deadline: a signal, the grace period, SIGKILL', async () => {
    const limited = (script: string) =>
      tinyJob(script, { job: { activeDeadlineSeconds: 0.3, backoffLimit: 5 }, pod: { terminationGracePeriodSeconds: 0.5 } });
    const polite = await runTiny(limited("trap 'echo bye; exit 1' TERM; sleep 60 & wait"));
    expect(polite).toMatchObject({ succeeded: false, reason: 'DeadlineExceeded', log: '[main] bye' });
    expect(polite.pods).toHaveLength(1);
    expect((await runTiny(limited('sleep 60; true'))).pods[0]?.containers[0]?.exitCode).toBe(137);
    expect((await runTiny(limited('exit 1'), { backoffSeconds: 60 })).reason).toBe('DeadlineExceeded'); // while it waits for the next attempt
  });

  it('ends at its deadline without a wait for it, where a test says that it has come', async () => {
    const script = "trap 'echo bye; exit 1' TERM; sleep 60 & wait";
    const onPod = async (pod: RunningPod) => {
      await appears(pod, 'sleep 60');
      pod.passDeadline();
    };
    const far = await runTiny(tinyJob(script, { job: { activeDeadlineSeconds: 600, backoffLimit: 5 } }), { onPod });
    expect(far).toMatchObject({ reason: 'DeadlineExceeded', log: '[main] bye' });
    expect(far.pods).toHaveLength(1);
  });

  it('has none to pass, where the Job names none', async () => {
    const onPod = async (pod: RunningPod) => {
      await appears(pod, 'sleep 60');
      expect(() => pod.passDeadline()).toThrow('has no activeDeadlineSeconds');
      pod.killEverything();
    };
    expect((await runTiny(tinyJob('sleep 60; true', { job: { backoffLimit: 0 } }), { onPod })).reason).toBe('BackoffLimitExceeded');
  });

  it('does not restart a container once its deadline is over', async () => {
    const job = tinyJob('exit 1', { job: { activeDeadlineSeconds: 0.3, backoffLimit: 6 }, pod: { restartPolicy: 'OnFailure' } });
    const run = await runTiny(job, { backoffSeconds: 60 });
    expect(run).toMatchObject({ reason: 'DeadlineExceeded', pods: [{ containers: [{ exitCode: 1, restarts: 0 }] }] });
  });

  it('has time when its deadline is far away', async () => {
    expect((await runTiny(tinyJob('sleep 0.1', { job: { activeDeadlineSeconds: 90 * 86_400 } }))).succeeded).toBe(true);
  });

  it('obeys its pod failure policy', async () => {
    const rules = [
      { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [64] } },
      { action: 'Ignore', onExitCodes: { operator: 'In', values: [75] } },
    ];
    const job = { backoffLimit: 0, podFailurePolicy: { rules } };
    const fatal = await runTiny(counted('exit 64', { ...job, backoffLimit: 4 }), { prepare });
    expect(fatal).toMatchObject({ succeeded: false, reason: 'PodFailurePolicy' });
    expect(fatal.pods).toHaveLength(1);
    const ignored = await runTiny(counted('[ $n = 4 ] || exit 75', job), { prepare });
    expect(ignored.succeeded).toBe(true);
    expect(ignored.pods).toHaveLength(4);
  });

  it('comes from a CronJob, suspended or not, numbered; a suspended Job does not run', async () => {
    const { spec, ...rest } = tinyJob('echo ran');
    const cron = { ...rest, kind: 'CronJob', spec: { schedule: '@daily', suspend: true, jobTemplate: { spec } } };
    const suspended = { ...rest, spec: { ...spec, suspend: true } };
    await withCluster([cron, suspended], {}, async cluster => {
      const reference = { kind: 'CronJob', namespace: 'shop', name: 'job' } as const;
      expect((await cluster.run(reference)).pods[0]?.name).toMatch(/^job-1-[a-z0-9]{5}$/);
      expect((await cluster.run(reference)).pods[0]?.name).toMatch(/^job-2-/);
      await expect(cluster.run({ ...reference, kind: 'Job' })).rejects.toThrow('is suspended');
      await expect(cluster.run({ ...reference, name: 'gone' })).rejects.toThrow('CronJob shop/gone is not in the manifests');
    });
  });

  it('fails when the test that watches it fails', async () => {
    await expect(runTiny(tinyJob('sleep 0.1'), { onPod: () => Promise.reject(new Error('expected something else')) })).rejects.toThrow(
      'something else',
    );
  });
});

describe.skipIf(cannotRun)('the network', () => {
  const server = createServer(socket => socket.end('hello\n'));
  const port = new Promise<number>(resolve => {
    if (cannotRun) resolve(0);
    else server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  afterAll(() => server.close());
  const policy = (...egress: Loose[]) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p', namespace: 'shop' },
    spec: { podSelector: { matchLabels: { app: 'tiny' } }, policyTypes: ['Egress'], egress },
  });
  const DNS = { ports: [{ port: 53, protocol: 'UDP' }] };
  const prepare = (cluster: Loose) => cluster.service('shop', 'db', '127.0.0.1', [{ port: 5432 }]);
  const reach = async (...objects: Loose[]) => {
    const script = `grep -c 'db.shop' /etc/hosts; nc db.shop.svc ${await port} </dev/null 2>&1 || nc 127.0.0.1 ${await port} </dev/null 2>&1`;
    return output(await runTiny([tinyJob(script), ...objects], { prepare }));
  };

  it('finds services by name and reaches this machine', async () => {
    expect(await reach()).toBe('1\nhello\n');
  });

  it('is cut off by a policy that leaves DNS only', async () => {
    expect(await reach(policy(DNS))).toMatch(/^1\n[\s\S]*refused/);
    expect(await reach(policy(DNS))).not.toContain('hello');
  });

  it('is cut off with its names by a policy that leaves nothing', async () => {
    expect(await reach(policy())).toMatch(/^0\n[\s\S]*refused/);
  });

  it('is there when the policy leaves something, or selects other pods, or is of another namespace', async () => {
    expect(await reach(policy(DNS, { ports: [{ port: 5432 }] }))).toContain('hello');
    const others = policy();
    others.spec.podSelector.matchLabels.app = 'other';
    expect(await reach(others)).toContain('hello');
    expect(await reach({ ...policy(), metadata: { name: 'p', namespace: 'other' } })).toContain('hello');
  });

  it('is one for the containers of a pod that is cut off', async () => {
    const talk = (name: string, script: string) => ({ name, image: 'tiny:1', command: ['sh', '-c', script] });
    const pod = {
      containers: [
        talk('main', 'echo spoken | nc -l -p 9000'),
        // Who has nothing more to say is hung up on: it stays on the line for a while.
        talk('other', 'until sleep 0.3 | nc 127.0.0.1 9000 2>/dev/null; do :; done'),
      ],
    };
    expect((await runTiny([tinyJob('', { pod }), policy(DNS)])).log).toBe('[other] spoken');
  });

  it('links services by variables unless told not to', async () => {
    expect(
      output(await runTiny(tinyJob('echo $DB_SERVICE_HOST:$DB_SERVICE_PORT', { pod: { enableServiceLinks: true } }), { prepare })),
    ).toBe('127.0.0.1:5432\n');
    expect(output(await runTiny(tinyJob('echo $DB_SERVICE_HOST:$DB_SERVICE_PORT'), { prepare }))).toBe(':\n');
  });
});

describe.skipIf(cannotRun)('the cluster', () => {
  it('lets config be edited, but not what is immutable', async () => {
    const config = (name: string, immutable: boolean) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'shop' },
      data: { a: 'old' },
      immutable,
    });
    const env = ['open', 'fixed'].map(name => ({ name, valueFrom: { configMapKeyRef: { name, key: 'a' } } }));
    const objects = [tinyJob('echo $open $fixed', { container: { env } }), config('open', false), config('fixed', true)];
    const prepare = (cluster: Loose) => {
      cluster.configMap('shop', 'open', { a: 'new' });
      expect(() => cluster.configMap('shop', 'fixed', { a: 'new' })).toThrow('is immutable');
    };
    expect(output(await runTiny(objects, { prepare }))).toBe('new old\n');
  });

  it('dies with the test run that made it, and the next one clears away the rest', async () => {
    const script = join(tmpdir(), `rehearsal-killed-${process.pid}.ts`);
    writeFileSync(
      script,
      `import { appears, runTiny, tinyJob } from ${JSON.stringify(join(__dirname, 'tiny'))};
      void runTiny(tinyJob('sleep 4323; true', { pod: { securityContext: { runAsUser: 1000 } } }), {
        onPod: async pod => {
          await appears(pod, 'sleep 4323');
          process.kill(process.pid, 'SIGKILL');
        },
      });`,
    );
    const { pid, signal, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script], { cwd: __dirname, encoding: 'utf8' });
    rmSync(script);
    expect({ signal, stderr }).toMatchObject({ signal: 'SIGKILL' });
    await vi.waitFor(() => expect(commandLines().filter(line => line.includes('sleep\x004323'))).toEqual([]));
    const left = () => readdirSync(tmpdir()).filter(name => name.startsWith(`rehearsal-${pid}-`));
    expect(left()).not.toEqual([]);
    await runTiny(tinyJob('true'));
    expect(left()).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(`rehearsal-${pid}-`);
  });

  it('leaves nothing behind, even when something still runs', async () => {
    const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }];
    let running: Promise<unknown> = Promise.resolve();
    const before = { mounts: mounts(), directories: temporaryDirectories() };
    await withCluster([withVolumes('sleep 4322; true', volumes, { pod: { terminationGracePeriodSeconds: 60 } })], {}, async cluster => {
      cluster.claim('shop', 'c', { sizeLimit: '1Mi' });
      await new Promise<void>(resolve => {
        const onPod = async (pod: Loose) => {
          await appears(pod, 'sleep 4322');
          resolve();
        };
        running = cluster.run({ kind: 'Job', namespace: 'shop', name: 'job' }, { onPod });
      });
      expect(mounts().length).toBeGreaterThan(before.mounts.length + 2);
    });
    expect(await running).toMatchObject({ succeeded: false });
    expect(mounts()).toEqual(before.mounts);
    expect(temporaryDirectories()).toEqual(before.directories);
    expect(commandLines().filter(line => line.includes('sleep\x004322'))).toEqual([]);
  });
});

function mounts(): string[] {
  return readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter(line => line.includes(`/rehearsal-${process.pid}-`));
}

function temporaryDirectories(): string[] {
  return readdirSync(tmpdir()).filter(name => name.startsWith(`rehearsal-${process.pid}-`));
}

/** Of every process of this machine, as `/proc` shows them. */
function commandLines(): string[] {
  return readdirSync('/proc').flatMap(name => {
    try {
      return /^\d+$/.test(name) ? [readFileSync(`/proc/${name}/cmdline`, 'utf8')] : [];
    } catch {
      return [];
    }
  });
}
