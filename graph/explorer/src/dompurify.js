/** DOMPurify in the place of the older copy that Monaco carries inside. */
import purify from "dompurify";

export default purify;
export const {
  version,
  isSupported,
  sanitize,
  setConfig,
  clearConfig,
  isValidAttribute,
  addHook,
  removeHook,
  removeHooks,
  removeAllHooks,
} = purify;
