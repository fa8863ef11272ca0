import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'setup', title: 'setup', icon: 'setup', view: () => head('setup') };
