import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runScript } from '../shell/script';

// What a backup makes of the member that it is about to ask, by canned answers of its JSON gateway.

const header = '"header":{"cluster_id":"1", "member_id":"11", "revision":"40", "raft_term":"2"}';
const STATUS = `{${header}, "version":"3.5.33", "leader":"12", "raftTerm":"2"}`;
const LEADERLESS = `{${header}, "raftTerm":"2", "errors":["etcdserver: no leader"]}`;
const MEMBERS = `{${header}, "members":[{"ID":"11", "name":"a", "clientURLs":["http://a:2379"]}, {"ID":"12", "name":"b", "clientURLs":["http://b:2379"]}]}`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'examine-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function examine(answers: { [path: string]: string }) {
  const cases = Object.entries(answers).map(([path, answer], index) => {
    writeFileSync(join(directory, `answer-${index}`), answer);
    return `  *'${path}') cat '${directory}/answer-${index}'; exit 0 ;;`;
  });
  const curl = `for last; do :; done\ncase $last in\n${cases.join('\n')}\nesac\nexit 7`;
  const done = runScript('etcd', 'examine', { directory, programs: { curl }, environment: { SERVER_URL: 'http://a:2379' } });
  return { ...done, said: readFileSync(join(directory, 'scratch/examined'), 'utf8') };
}

test('a member with a leader leaves the revision that its snapshot must have', () => {
  const { code, said } = examine({ '/v3/maintenance/status': STATUS, '/v3/kv/range': `{${header}}` });
  expect([code, said]).toEqual([0, '']);
  expect(readFileSync(join(directory, 'scratch/least.revision'), 'utf8')).toBe('40');
});

test('a member without a leader is refused while another one is healthy', () => {
  const answers = {
    '/v3/maintenance/status': LEADERLESS,
    '/v3/cluster/member/list': MEMBERS,
    '//b:2379/health?exclude=NOSPACE': '{"health":"true"}',
  };
  const { code, reason } = examine(answers);
  expect([code, reason]).toEqual([1, expect.stringMatching(/^the member that was asked has no leader, and http:\/\/b:2379 is healthy/)]);
});

test('a member without a leader and without healthy others is taken, with a caveat', () => {
  const answers = {
    '/v3/maintenance/status': LEADERLESS,
    '/v3/cluster/member/list': MEMBERS,
    '//b:2379/health?exclude=NOSPACE': '{"health":"false"}',
  };
  expect(examine(answers)).toMatchObject({ code: 0, said: expect.stringMatching(/had no leader, and none of the 1 others was healthy/) });
});

test('a database that is full is taken, and one whose members differ is not', () => {
  const alarmed = (alarm: string) => STATUS.replace('"raftTerm"', `"errors":["memberID:11 alarm:${alarm} "], "raftTerm"`);
  expect(examine({ '/v3/maintenance/status': alarmed('NOSPACE'), '/v3/kv/range': `{${header}}` }).said).toMatch(
    /is full \(alarm NOSPACE\)/,
  );
  expect(examine({ '/v3/maintenance/status': alarmed('CORRUPT') })).toMatchObject({
    code: 78,
    reason: expect.stringContaining('alarm CORRUPT'),
  });
});

test('a leader that is not answered for fails, and a server that says nothing of itself is taken with a caveat', () => {
  const failed = '{"code":14, "message":"etcdserver: request timed out"}';
  expect(examine({ '/v3/maintenance/status': STATUS, '/v3/kv/range': failed })).toMatchObject({
    code: 1,
    reason: expect.stringMatching(/a read through that leader failed: etcdserver: request timed out/),
  });
  expect(examine({}).said).toMatch(/does not say whether it has a leader/);
});
