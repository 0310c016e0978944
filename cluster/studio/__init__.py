"""What a person does with a finished agent: let it paint, measure it, parse pictures, edit and render programs."""
