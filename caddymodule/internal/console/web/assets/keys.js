import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'keys', title: 'keys', icon: 'keys', view: () => head('keys') };
