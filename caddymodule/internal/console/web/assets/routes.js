import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'routes', title: 'routes', icon: 'routes', view: () => head('routes') };
