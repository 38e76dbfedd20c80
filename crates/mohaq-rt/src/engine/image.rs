//! An engine from an image.

use super::site::{arrangement, gate_arrangement, sru_arrangement};
use super::{Engine, Level};
use crate::Error;
use crate::image::Image;
use crate::panel::{Family, Panels};
use crate::parameters::{LayerParameters, SiteParameters};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Engine {
    /// Prepares the network in `image`, which may go away afterwards: weights are packed anew for this machine.
    ///
    /// # Errors
    /// [`Error::Size`] for a product of so many inputs that this machine's sums do not hold them.
    pub fn from_image(level: Level, image: &Image<'_>) -> Result<Self, Error> {
        let layers = image.layers().map(|layer| pack(level, layer.parameters())).collect::<Result<_, _>>()?;
        Self::new(level, image.inputs(), layers)
    }
}

/// A layer with its weights packed in the order in which it is run.
fn pack(level: Level, layer: LayerParameters<Vec<i16>>) -> Result<LayerParameters<Arc<Panels>>, Error> {
    let mut lanes: Vec<Vec<Option<usize>>> = lanes(&layer);
    lanes.reverse();
    let is_table = matches!(layer, LayerParameters::Embedding(_));
    layer.try_map(|site: SiteParameters<Vec<i16>>| {
        let lanes = lanes.pop().expect("lanes of every site");
        let family = if is_table { Family::Pairs } else { level.family(site.weight, site.activation, site.inputs) };
        let panels = Panels::pack(&site.weights, site.columns, site.weight, family, &lanes)?;
        Ok(site.with_weights(Arc::new(panels)))
    })
}

/// The lanes of every product of a layer, in the order data meets them.
fn lanes<W>(layer: &LayerParameters<W>) -> Vec<Vec<Option<usize>>> {
    match layer {
        LayerParameters::Sru(sru) => {
            let parts = sru.highway.parts() / sru.sites.len().max(1);
            let projection = sru.projection.iter().map(|site| arrangement(site.columns));
            let cells = sru.sites.iter().map(|_| sru_arrangement(sru.hidden, sru.directions, parts));
            projection.chain(cells).collect()
        }
        LayerParameters::Recurrent(layer) => {
            let gates = |site: &SiteParameters<W>| site.columns / (layer.directions * layer.hidden).max(1);
            let products = layer.input.iter().chain(&layer.recurrent);
            let products = products.map(|site| gate_arrangement(layer.hidden, layer.directions, gates(site)));
            let projection = layer.projection.iter().map(|_| gate_arrangement(layer.width(), layer.directions, 1));
            products.chain(projection).collect()
        }
        other => other.sites().into_iter().map(|site| arrangement(site.columns)).collect(),
    }
}
