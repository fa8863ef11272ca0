import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'requests', title: 'requests', icon: 'requests', view: () => head('requests') };
