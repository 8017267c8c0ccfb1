//! A question to the engine: a probe kind and its parameters.
//!
//! Two probes that ask the same share one observation, and a stored observation answers a later
//! rubric's probe when the question is equal. So a question holds the rubric's own words
//! (`${secret}` stays a name) and its build recipe in full, never the name of one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Parameters by name, as JSON; maps are sorted, so equal parameters are equal values.
pub type Params = Map<String, Value>;

/// One question. Equality joins rubric and evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The probe kind's name.
    pub kind: String,
    /// Its parameters; a build is given as its whole recipe.
    pub with: Params,
}
