import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'usage', title: 'usage', icon: 'usage', view: () => head('usage') };
