//! An engine from an image.

use super::site::{arrangement, sru_arrangement};
use super::{Engine, Level};
use crate::Error;
use crate::image::{Image, LayerView};
use crate::panel::{Family, Panels};
use crate::parameters::{LayerParameters, SiteParameters, SruParameters};
use alloc::sync::Arc;
use alloc::vec::Vec;

impl Engine {
    /// Prepares the network in `image`, which may go away afterwards: weights are packed anew for this machine.
    ///
    /// # Errors
    /// [`Error::Size`] for a product of so many inputs that this machine's sums do not hold them.
    pub fn from_image(level: Level, image: &Image<'_>) -> Result<Self, Error> {
        let layers = image.layers().map(|layer| pack_layer(&layer)).collect::<Result<_, _>>()?;
        Self::new(level, image.inputs(), layers)
    }
}

fn pack_layer(layer: &LayerView<'_>) -> Result<LayerParameters<Arc<Panels>>, Error> {
    Ok(match layer.parameters() {
        LayerParameters::Sru(sru) => {
            let lanes = sru_arrangement(sru.hidden, sru.directions, sru.highway.parts());
            let SruParameters { hidden, directions, cell, highway, projection, site, vectors } = sru;
            let projection = projection.map(|site| {
                let lanes = arrangement(site.columns);
                pack_site(site, &lanes)
            });
            let (projection, site) = (projection.transpose()?, pack_site(site, &lanes)?);
            LayerParameters::Sru(SruParameters { hidden, directions, cell, highway, projection, site, vectors })
        }
        LayerParameters::Linear(site) => {
            let lanes = arrangement(site.columns);
            LayerParameters::Linear(pack_site(site, &lanes)?)
        }
        LayerParameters::Pointwise(function) => LayerParameters::Pointwise(function),
    })
}

fn pack_site(site: SiteParameters<Vec<i16>>, lanes: &[Option<usize>]) -> Result<SiteParameters<Arc<Panels>>, Error> {
    let family = Family::of(site.weight, site.activation);
    let panels = Panels::pack(&site.weights, site.columns, site.weight, family, lanes)?;
    Ok(site.with_weights(Arc::new(panels)))
}
