import { h } from './dom.js';
import { head } from './parts.js';
export default { path: 'providers', title: 'providers', icon: 'providers', view: () => head('providers') };
