import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'settings', title: 'settings', icon: 'settings', view: () => head('settings') };
