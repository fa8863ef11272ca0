import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'audit', title: 'audit', icon: 'audit', view: () => head('audit') };
