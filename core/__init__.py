"""Priorscope's calculations: VAEs, their priors, and what can be measured of both. Torch and numpy; never streamlit.

Read in this order:

    distributions.py  DiagonalNormal, Bernoulli, DiscretizedLogistic: values with log_prob and sample
    mixture.py, mixture_tiles.py   exact log-density of Gaussian mixtures of any size;  dense.py  faster products
    prepared.py       the same, of one mixture again and again, and which component a place is a draw of
    nn.py             gated and masked layers, MADE
    flows/            FLOWS: nice, realnvp, maf, iaf
    priors/           PRIORS: standard, gaussian, mog, vamp, aggregated, realnvp, maf, iaf
    posteriors/       POSTERIORS, q(z|x): gaussian, iaf, realnvp;  decoders.py  p(x|z)
    vae.py            VAE(posterior, prior, decoder) and the evidence lower bound
    config.py         frozen, validated settings;  build.py  from settings to a VAE
    datasets/         DATASETS: images, splits, binarisation
    train.py          the loop;  train_state.py  its resumable state;  snapshots*.py  small records on the way
    latents.py        where the encoder puts a set of images;  flow_latents.py  the same of flow posteriors
    checkpoint.py     save, load, list;  checkpoint_folders.py  where;  checkpoint_content.py  unharmed
    replacing.py, tensor_file.py, checkpoint_weights.py   files written whole or not at all, and read so
    training_*.py, train_progress.py   trainings as jobs: asked for, told, gone on with;  option_fields.py  their forms
    uploads.py        own images and latents, handed over;  imported.py, import_runs.py  latents without a model
    adapters.py       foreign models;  absent.py, stored_images.py  what stands where there are no networks
    history.py, history_*.py   densities and marginal KL along a recorded training
    budget.py, jsonfile.py, metrics_file.py, metrics_records.py, plain_text.py   what a hostile file may not do
    front_door.py     what a stranger may not do
    posthoc.py        another prior for a trained encoder and decoder
    metrics/          bound, surgery, likelihood, quadrature, two-sample tests, coverage: numbers with standard errors
    per_image.py      what each image gives to the measures;  comparison.py, linked.py  models side by side, paired
    results*.py, published.py   all models beside published ones;  seeds.py, seed_spread.py  other training seeds
    zoo_*.py          what the recipe file asks for, and what of it is there
    sweep*.py         many models on many machines: grids, orders, workers, what comes back;  sweep_ray.py  Ray
    ladder.py, ladder_*.py   priors of growing richness fitted to one frozen encoder
    timing.py         cases measured in turns;  timing_store.py, measured/   runs as files, and those that are shipped
    flow_timing.py, flow_timing_*.py   both directions of every flow against d;  prior_bill*.py  what a flow prior costs
    projections.py    planes of a latent space;  views.py  what is drawn in them;  embedding.py  t-SNE maps
    lineup.py         the true picture hidden among deals of the same draws
    tour.py           the models that the guided tour speaks of
    region.py         a part of a picture;  gallery.py  what lives there;  tables.py, timing_tables.py  CSV
    jobs.py, job_*.py, progress.py   long calculations in processes of their own
    pseudo_inputs.py  usage, dead and duplicated components of a mixture prior;  bhattacharyya.py  their overlap
    reading.py        how each number is read: the guide in docs
    browse.py, codes.py, ways.py, browser_*.py   going about in a latent space;  own_image.py  where one's own lands
    decoder_export.py, bundle.py   a decoder as bytes for a browser;  prior_noise.py  a prior's codes as its noise
    component_*.py    where they lie, what they generate, as a table;  memorisation.py  are they training images?
    density.py        densities on a grid;  typicality.py  how ordinary a place is;  generate.py  pictures
    records.py        the values that cross to figures and pages (no torch)
    figures/          records to plotly figures, pictures and sentences (no torch)
    cli.py, cli_*.py  python -m core list | train | zoo | evaluate | aggregate | ladder | embed | flow-timing | ...

Everything is in nats. Every random draw takes a generator. Nothing here touches the global seed but ``build``, which
puts it back.
"""
