import { snapshotScenarios } from '../cluster/scenarios';
import { startStandIn } from '../cluster/stand-in';

// What `npm run test:cluster` asks of a real cluster, asked of the rehearsal's.

snapshotScenarios(startStandIn);
